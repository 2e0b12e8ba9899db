# SPDX-License-Identifier: MIT
"""What apt's configuration on this machine says, as `apt-config dump` tells it.

apt itself is the only right reader of its files; one call takes about 6 ms.
"""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from aptfreeze.values import immutable

_LINE = re.compile(r'(\S+) "(.*)";')
_TIME_LIMIT_S = 10


@immutable
class Option:
    """One line of apt's configuration; list items have a name that ends in `::`."""

    name: str
    value: str


def read_options(variables: Mapping[str, str]) -> tuple[Option, ...]:
    """All options that apt has with these environment variables; none where apt is missing or cannot start."""
    try:
        done = subprocess.run(
            ["apt-config", "dump"],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_TIME_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()  # COMMAND will tell better than we could, if it needs apt at all
    return parse_options(done.stdout.decode(errors="surrogateescape"))


def parse_options(dump: str) -> tuple[Option, ...]:
    """The options in the output of `apt-config dump`; lines of another form are passed over."""
    found = (_LINE.fullmatch(line) for line in dump.splitlines())
    return tuple(Option(match[1], match[2]) for match in found if match)


def main_file(options: Iterable[Option]) -> Path:
    """The file that apt reads last."""
    return _place(options, "main", "apt.conf") or Path("/etc/apt/apt.conf")


def credential_files(options: Iterable[Option]) -> list[Path]:
    """Where apt has users and passwords, whether the files exist or not; apt_auth.conf(5)."""
    known = tuple(options)
    file, parts = _place(known, "netrc", "auth.conf"), _place(known, "netrcparts", "auth.conf.d")
    try:
        found = sorted(path for path in parts.iterdir() if path.suffix == ".conf") if parts else []
    except OSError:  # usually there is none
        found = []
    return [*([file] if file else []), *found]


def _place(options: Iterable[Option], name: str, usual: str) -> Path | None:
    """A file or folder below Dir::Etc, put together as apt does: RootDir, Dir, Dir::Etc, Dir::Etc::NAME.

    None: it is set to nothing.
    """
    values = {option.name.lower(): option.value for option in options}
    own = values.get(f"dir::etc::{name}", usual)
    # each absolute part starts anew, as in apt
    below = os.path.join("/", values.get("dir", "/"), values.get("dir::etc", "etc/apt"), own)  # noqa: PTH118
    return Path(values.get("rootdir", "") + below) if own else None
