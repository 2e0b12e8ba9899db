# SPDX-License-Identifier: MIT
"""The product as a user meets it: the command `aptfreeze` in a process of its own, in a home of its own.

Nothing of the caller's environment reaches it: no proxy, no `APTFREEZE_*`, no user configuration.
"""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.process import Result, run
from support.signing import SigningKey

_START_LIMIT_S = 20.0
_STOP_LIMIT_S = 20.0


class Serving:
    """A running `aptfreeze serve`."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.proxy = ""
        """The value for http_proxy."""
        self._log = log

    @property
    def output(self) -> str:
        """All that it has said so far, stdout and stderr."""
        return self._log.read_text(errors="replace")

    def stop(self) -> int:
        """Asks it to end, as a service manager would; its exit status. AssertionError if it does not listen."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not end within {_STOP_LIMIT_S} s of SIGTERM:\n{self.output}") from None

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()


class Aptfreeze:
    """One environment folder and the commands that run in it; `beside` gives others with the same archive."""

    def __init__(self, root: Path, *, name: str = "environment", archive: Path | None = None) -> None:
        self.root = root
        self.environment = root / name
        self.archive = archive or root / "archive"
        self.environment.mkdir(parents=True)
        self._served = 0

    def beside(self, name: str) -> "Aptfreeze":
        """Another environment of the same user, with the same archive and a copy of the configuration."""
        other = Aptfreeze(self.root, name=name, archive=self.archive)
        if self.configuration.exists():
            other.configure(self.configuration.read_text())
        return other

    @property
    def configuration(self) -> Path:
        return self.environment / "aptfreeze.toml"

    @property
    def lock_file(self) -> Path:
        return self.environment / "aptfreeze.lock"

    @property
    def lock(self) -> dict[str, Any]:
        """The lock file as data."""
        return tomllib.loads(self.lock_file.read_text())

    @property
    def pins(self) -> dict[str, dict[str, Any]]:
        """The pins of the lock file by `host/path suite`; empty without a lock file."""
        return self.lock.get("pins", {}) if self.lock_file.exists() else {}

    def wait_until_pinned(self, *, timeout_s: float = 10) -> None:
        """Until the lock file has a pin: one is committed beside the answer that confirmed it, not before."""
        limit = time.monotonic() + timeout_s
        while not self.pins:
            assert time.monotonic() < limit, f"nothing is pinned after {timeout_s} s"
            time.sleep(0.01)

    @property
    def environ(self) -> dict[str, str]:
        home = str(self.root / "home")
        xdg = {f"XDG_{kind}_HOME": f"{home}/{kind.lower()}" for kind in ("DATA", "CONFIG", "CACHE", "STATE")}
        python = str(Path(sys.executable).parent)
        return {"PATH": f"{python}:{os.environ['PATH']}", "LANG": "C.UTF-8", "HOME": home, **xdg}

    def configure(self, text: str) -> None:
        """Adds lines to aptfreeze.toml."""
        with self.configuration.open("a") as file:
            file.write(text + "\n")

    def resign(self, more: str = "") -> Path:
        """Switches re-signing on; the file with the public key, binary. `more` is a further line of aptfreeze.toml."""
        rest = self.configuration.read_text() if self.configuration.exists() else ""
        self.configuration.write_text(f"resign = true\n{more}\n{rest}")
        public = self.root / f"{self.environment.name}.gpg"
        self.command("key", "--out", str(public)).ok()
        return public

    def trust(self, *keys: SigningKey) -> None:
        """Makes these keys the only ones that count."""
        self.configure(f"[trust]\nkeyrings = {json.dumps([str(key.keyring) for key in keys])}")

    def command(self, verb: str, *arguments: str, env: Mapping[str, str] | None = None) -> Result:
        """`aptfreeze VERB` to its end; `env` is added to the environment."""
        return run(self.line(verb, *arguments), env={**self.environ, **(env or {})}, cwd=self.environment)

    def run(self, command: Sequence[str], *flags: str, env: Mapping[str, str] | None = None) -> Result:
        """`aptfreeze run FLAGS -- COMMAND`."""
        return self.command("run", "--archive", str(self.archive), *flags, "--", *command, env=env)

    def summary_of(self, command: Sequence[str], *flags: str, env: Mapping[str, str] | None = None) -> Any:
        """What `run --json` says about a run, whether it went well or not."""
        file = self.root / "summary.json"
        self.run(command, "--json", str(file), *flags, env=env)
        return json.loads(file.read_text())

    @contextmanager
    def serve(self, *flags: str, wrapper: Sequence[str] = ()) -> Iterator[Serving]:
        """`aptfreeze serve` on a free port, ready when the context begins, ended with it.

        `wrapper` is put before the command, and has to execute it in its own place.
        AssertionError with its output if it does not become ready, or has ended by itself with an error.
        """
        self._served += 1
        ready, log = (self.root / f"{self.environment.name}-{self._served}.{end}" for end in ("ready", "log"))
        line = self.line("serve", "--listen", "127.0.0.1:0", "--archive", str(self.archive), "--ready-file", str(ready))
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*wrapper, *line, *flags], env=self.environ, cwd=self.environment,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        serving = Serving(process, log)
        try:
            serving.proxy = _wait_until_ready(serving, ready)["url"]
            yield serving
        finally:
            killed = process.poll() == -signal.SIGKILL
            status = serving.stop()
        assert killed or status == 0, f"serve ended with status {status}:\n{serving.output}"

    def line(self, *arguments: str) -> list[str]:
        """The command line, for a test that starts it in its own way."""
        return [sys.executable, "-m", "aptfreeze", *arguments]


def _wait_until_ready(serving: Serving, ready: Path) -> dict[str, Any]:
    """What the ready file says."""
    limit = time.monotonic() + _START_LIMIT_S
    while not ready.exists():
        assert serving.process.poll() is None, f"serve ended before it was ready:\n{serving.output}"
        assert time.monotonic() < limit, f"serve is not ready after {_START_LIMIT_S} s:\n{serving.output}"
        time.sleep(0.01)
    said: dict[str, Any] = json.loads(ready.read_text())
    return said
