# SPDX-License-Identifier: MIT
"""The machine's real apt, cut off from the machine: own lists, caches, sources, keys, status file and configuration.

The machine's own `apt.conf.d` is not read: it often switches expiry checks off, and tests would then prove nothing.
Of apt's defaults only those are changed that would need root or a real system, and languages (`none`).
"""

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from support.process import Result, run
from support.repository import Repository

_CONFIGURATION = """\
Dir "{root}";
Dir::State "{root}/state";
Dir::State::status "{root}/status";
Dir::Cache "{root}/cache";
Dir::Log "{root}/log";
Dir::Etc "{root}/etc";
Dir::Etc::main "{root}/etc/apt.conf";
Dir::Etc::parts "{root}/etc/empty";
Dir::Etc::sourceparts "{root}/etc/empty";
Dir::Etc::preferencesparts "{root}/etc/empty";
Dir::Etc::trusted "{root}/etc/trusted.gpg";
Dir::Etc::trustedparts "{root}/etc/empty";
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; }};
APT::Sandbox::User "root";
APT::Get::Assume-Yes "true";
Acquire::Languages "none";
Acquire::Retries::Delay::Maximum "1";
"""


class Apt:
    """One apt client, a machine of its own as far as apt can tell. `proxy` is for every http request."""

    def __init__(self, root: Path, *, proxy: str | None = None) -> None:
        self.root = root
        self._sources: list[str] = []
        for folder in ("state/lists/partial", "cache/archives/partial", "log", "etc/empty", "downloads"):
            (root / folder).mkdir(parents=True)
        (root / "status").touch()
        (root / "etc/apt.conf").touch()
        self.configuration.write_text(_CONFIGURATION.format(root=root))
        if proxy:
            self.use_proxy(proxy)

    @property
    def configuration(self) -> Path:
        """The file that APT_CONFIG names."""
        return self.root / "apt_config"

    @property
    def lists(self) -> Path:
        return self.root / "state/lists"

    @property
    def archives(self) -> Path:
        """Where `install` puts packages; apt believes in what lies there."""
        return self.root / "cache/archives"

    @property
    def downloads(self) -> Path:
        """Where `download` and `source` put files."""
        return self.root / "downloads"

    @property
    def environ(self) -> dict[str, str]:
        """What apt gets, and nothing else of this process's environment."""
        return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(self.root)} | {
            "APT_CONFIG": str(self.configuration)
        }

    def use_proxy(self, proxy: str) -> None:
        self.set("Acquire::http::Proxy", proxy)

    def set(self, option: str, value: str) -> None:
        """Sets an option for every later command."""
        with self.configuration.open("a") as file:
            file.write(f'{option} "{value}";\n')

    def add(
        self,
        repository: Repository,
        *,
        url: str = "",
        suite: str = "",
        components: str = "",
        types: tuple[str, ...] = ("deb",),
        **options: str,
    ) -> None:
        """One entry in sources.list, signed by the repository's key, unless the keywords say otherwise.

        `options` are those of sources.list(5), `_` for `-`: `trusted="yes"`, `allow_insecure="yes"`, `by_hash="no"`.
        """
        layout = repository.layout
        if repository.key and "trusted" not in options:
            options.setdefault("signed_by", str(repository.key.keyring))
        written = " ".join(f"{name.replace('_', '-')}={value}" for name, value in options.items())
        where = "./" if layout.flat else f"{suite or layout.suite} {components or ' '.join(layout.components)}"
        for kind in types:
            self._sources.append(f"{kind} [{written}] {url or repository.url} {where}\n")
        (self.root / "etc/sources.list").write_text("".join(self._sources))

    def clear_lists(self) -> None:
        """As after `rm -rf /var/lib/apt/lists/*`."""
        for file in self.lists.iterdir():
            if file.is_file():
                file.unlink()

    def clear_archives(self) -> None:
        self.get("clean").ok()

    def command(self, *arguments: str) -> list[str]:
        """The command line of apt-get, to be run with `environ`."""
        return ["apt-get", *arguments]

    def get(self, *arguments: str) -> Result:
        """apt-get with these arguments, in the folder `downloads`."""
        return run(self.command(*arguments), env=self.environ, cwd=self.downloads)

    def update(self, *options: str) -> Result:
        return self.get("update", *options)

    def install(self, *packages: str) -> Result:
        """Everything of an installation but the installing: the files end up in `archives`."""
        return self.get("install", "--download-only", "--no-install-recommends", *packages)

    def download(self, *packages: str) -> Result:
        return self.get("download", *packages)

    def source(self, *packages: str) -> Result:
        return self.get("source", "--download-only", *packages)

    def candidate(self, package: str) -> str | None:
        """The version that apt would install now."""
        policy = run(["apt-cache", "policy", package], env=self.environ, cwd=self.root).ok()
        found = re.search(r"Candidate: (\S+)", policy.stdout)
        return found[1] if found and found[1] != "(none)" else None

    def fetched(self) -> dict[str, str]:
        """Name (as apt writes it: `hello_1.0_amd64.deb`) and sha256 of all packages that `install` has fetched."""
        return sha256_of_files(self.archives, "*.deb")


def sha256_of_files(folder: Path, pattern: str = "*") -> dict[str, str]:
    """Names and hashes, sorted; easier to compare, and to read when they differ, than the bytes."""
    files = sorted(file for file in folder.glob(pattern) if file.is_file())
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


class MakeApt(Protocol):
    """A further client, with nothing in its lists and caches."""

    def __call__(self, *, proxy: str | None = ...) -> Apt: ...


NewClient = Callable[[], Apt]
