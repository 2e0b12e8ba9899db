# SPDX-License-Identifier: MIT
"""Which user and group ids a user namespace of ours knows, and who writes that down for the kernel.

A user may map their own id alone; the ids that /etc/subuid and /etc/subgid give them are mapped by newuidmap and
newgidmap, which are set-user-ID (package uidmap). With such a range, 0 inside is the user and 1.. is the range: that is
what `mmdebstrap --mode=unshare` can build in. Without, the own id is mapped to itself, and COMMAND is the same
unprivileged user as outside.
"""

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from aptfreeze.errors import AptfreezeError
from aptfreeze.launch.account import Account
from aptfreeze.values import immutable

_PROGRAMS: Final = ("newuidmap", "newgidmap")
_FIRST: Final = 100_000
_COUNT: Final = 65_536
"""As useradd(8) gives them: login.defs(5), SUB_UID_MIN and SUB_UID_COUNT."""


@immutable
class Range:
    """Ids that belong to a user beside their own."""

    start: int
    count: int


@immutable
class Ranges:
    """What a user can map beside their own ids."""

    users: Range
    groups: Range


def parse_range(text: str, account: Account) -> Range | None:
    """The largest range that subuid(5) or subgid(5) gives to this user; lines of another form are passed over."""
    found = [_range(line) for line in text.splitlines() if line.partition(":")[0] in (account.name, str(account.user))]
    return max((each for each in found if each), key=lambda each: each.count, default=None)


def read_ranges(account: Account, folder: Path = Path("/etc")) -> Ranges | None:
    """None if the user has no range of user ids, or none of group ids."""
    try:
        users, groups = (parse_range((folder / name).read_text(), account) for name in ("subuid", "subgid"))
    except OSError:
        return None
    return Ranges(users, groups) if users and groups else None


def free_range(folder: Path = Path("/etc")) -> Range:
    """Ids behind all that subuid(5) and subgid(5) give to anybody: what may be given to one user more."""
    lines: list[str] = []
    for name in ("subuid", "subgid"):
        with suppress(OSError):
            lines += (folder / name).read_text().splitlines()
    ends = [found.start + found.count for found in map(_range, lines) if found]
    return Range(max([_FIRST, *ends]), _COUNT)


def map_ranges(pid: int, account: Account, ranges: Ranges) -> None:
    """Map 0 to the user and 1.. to the ranges, for a process in a new namespace. AptfreezeError with their words."""
    pairs = ((account.user, ranges.users), (account.group, ranges.groups))
    for program, (own, given) in zip(_PROGRAMS, pairs, strict=True):
        words = [program, str(pid), *_words(0, own, 1), *_words(1, given.start, given.count)]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode != 0:
            raise AptfreezeError(
                f"the ids of {account.name} cannot be mapped: {done.stderr.decode(errors='replace').strip()}",
                hint=f"{program} must be set-user-ID root (package uidmap), and its range in /etc must be free",
            )


def map_own(account: Account, folder: Path = Path("/proc/self")) -> None:
    """Map the own ids to themselves, for the calling process in a new namespace; OSError if that is forbidden."""
    (folder / "setgroups").write_text("deny")  # else a group that is denied to the user could be left (CVE-2014-8989)
    (folder / "uid_map").write_text(" ".join(_words(account.user, account.user, 1)))
    (folder / "gid_map").write_text(" ".join(_words(account.group, account.group, 1)))


def _range(line: str) -> Range | None:
    words = line.split(":")[1:]
    if len(words) != 2 or not all(word.isdecimal() and word.isascii() for word in words):
        return None
    return Range(*map(int, words))


def _words(inside: int, outside: int, count: int) -> Sequence[str]:
    return str(inside), str(outside), str(count)
