# SPDX-License-Identifier: MIT
"""Where an environment is, and where everything of it lies.

    aptfreeze.toml           settings, written by people
    aptfreeze.lock           the current generation: the truth, kept in git
    .aptfreeze/              state of this checkout; ignores itself in git, may be deleted while nothing runs
        .gitignore           "*"
        version              "aptfreeze state 1"
        mutex                flock of whoever writes the lock file or the state; holds the holder's name
        provisional.json     pins that are not in the lock yet, shared by all runs         (provisional.py)
        generations/ID.toml  last known text of each generation, in the lock file's format (generations.py)
        log.jsonl            what happened to the pins, one event a line                   (log.py)
        absent.jsonl         listed files that no supplier has                             (absent.py)
        https.jsonl          hosts that have answered by https                             (secure.py)
        resign.key           private key that re-signs suites, mode 0600                   (resigning.py)
        records/ID/SESSION.jsonl   what one session of a generation was served             (records.py)
        records/architectures.jsonl   those whose package indexes were asked for           (records.py)

Rule 1: only `aptfreeze.lock` is worth keeping. Without the state the same packages are served; what is lost is the
history, the records, the knowledge of changes that were made to the lock by hand, and the key, if there is one.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from aptfreeze.environment import files
from aptfreeze.errors import UsageError
from aptfreeze.values import immutable

LOCK_FILE = "aptfreeze.lock"
CONFIG_FILE = "aptfreeze.toml"
_VERSION = b"aptfreeze state 1\n"


@immutable
class Environment:
    root: Path
    """Absolute."""
    origin: str = "default"
    """Why this folder: `--env`, `APTFREEZE_ENV`, the file that was found there, or `default` (the current one)."""

    @property
    def lock_file(self) -> Path:
        return self.root / LOCK_FILE

    @property
    def config_file(self) -> Path:
        return self.root / CONFIG_FILE

    @property
    def state(self) -> Path:
        return self.root / ".aptfreeze"

    @property
    def mutex(self) -> Path:
        return self.state / "mutex"

    @property
    def provisional(self) -> Path:
        return self.state / "provisional.json"

    @property
    def generations(self) -> Path:
        return self.state / "generations"

    @property
    def log(self) -> Path:
        return self.state / "log.jsonl"

    @property
    def absent(self) -> Path:
        return self.state / "absent.jsonl"

    @property
    def secure(self) -> Path:
        return self.state / "https.jsonl"

    @property
    def outside(self) -> Path:
        return self.state / "outside.jsonl"

    @property
    def resign_key(self) -> Path:
        return self.state / "resign.key"

    @property
    def records(self) -> Path:
        return self.state / "records"

    def is_read_only(self) -> bool:
        """Whether this user cannot write the folder or its state; such an environment implies `--locked`."""
        folders = [self.root, *([self.state] if self.state.exists() else [])]
        return not all(os.access(folder, os.W_OK | os.X_OK) for folder in folders)

    def furnish(self) -> None:
        """Make what is missing of the state; the caller holds the mutex."""
        if files.read(self.state / "version") is None:
            files.replace(self.state / ".gitignore", b"*\n")
            files.make_folder(self.generations)
            files.replace(self.state / "version", _VERSION)

    def check_version(self) -> None:
        """UsageError if the state was written by a later aptfreeze."""
        found = files.read(self.state / "version")
        if found not in (None, _VERSION):
            raise UsageError(
                f"{self.state} is not of version 1 but says {found!r:.60}",
                hint="upgrade aptfreeze, or move that folder away: pins are in aptfreeze.lock",
            )


def find(start: Path, environ: Mapping[str, str], flag: str | None = None) -> Environment:
    """The environment of `--env`, else of APTFREEZE_ENV, else the nearest one from `start` upwards, else `start`.

    UsageError if a folder was named and does not exist.
    """
    if flag is not None:
        return _named(start, flag, "--env")
    if named := environ.get("APTFREEZE_ENV"):
        return _named(start, named, "APTFREEZE_ENV")
    start = start.resolve()
    for folder in (start, *start.parents):
        for name in (LOCK_FILE, CONFIG_FILE):
            if (folder / name).is_file():
                return Environment(folder, name)
    return Environment(start)


def _named(start: Path, value: str, origin: str) -> Environment:
    root = (start / value).resolve()
    if not root.is_dir():
        raise UsageError(
            f"the environment {root} ({origin}) is not a folder",
            hint=f"create it with: mkdir -p {root}",
        )
    return Environment(root, origin)
