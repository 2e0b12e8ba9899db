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
    """The file that apt reads last, put together as apt does: RootDir, Dir, Dir::Etc, Dir::Etc::main."""
    values = {option.name.lower(): option.value for option in options}
    below = os.path.join(  # noqa: PTH118 - each absolute part starts anew, as in apt
        "/", values.get("dir", "/"), values.get("dir::etc", "etc/apt"), values.get("dir::etc::main", "apt.conf")
    )
    return Path(values.get("rootdir", "") + below)
