# SPDX-License-Identifier: MIT
"""The suites that apt on this machine is told to use, as `apt-get update --print-uris` tells them.

apt itself is the only right reader of its source lists. It asks no mirror for that and writes nothing.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping

from aptfreeze.values import immutable

_SUITE = re.compile(r"'(?P<url>\S+)/dists/(?P<suite>\S+)/InRelease' .*")
_FLAT = re.compile(r"'(?P<url>\S+?)(?:/\.)?/InRelease' .*")
_TIME_LIMIT_S = 30


@immutable
class Entry:
    """A suite of a repository."""

    url: str
    """With the method: `http://mirror.example.org/debian`, without a final slash."""
    suite: str
    """`./` for the flat suite that lies there."""

    @property
    def method(self) -> str:
        return self.url.partition(":")[0]


def read_entries(variables: Mapping[str, str]) -> tuple[Entry, ...]:
    """All suites that apt uses with these environment variables; none where apt is missing or cannot read its lists."""
    try:
        done = subprocess.run(
            ["apt-get", "update", "--print-uris"],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_TIME_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return parse_entries(done.stdout.decode(errors="replace"))


def parse_entries(text: str) -> tuple[Entry, ...]:
    """Each suite once, in the order of apt; lines of other files are passed over."""
    lines = [line for line in text.splitlines() if "/InRelease' " in line]
    return tuple(dict.fromkeys(entry for line in lines for entry in _entry(line)))


def _entry(line: str) -> Iterator[Entry]:
    if match := _SUITE.match(line):
        yield Entry(match["url"], match["suite"])
    elif match := _FLAT.match(line):
        yield Entry(match["url"], "./")
