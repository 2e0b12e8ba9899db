# SPDX-License-Identifier: MIT
"""Whether a mirror still has a file, without fetching it.

Rule 1: it is asked for one byte: the answer tells the size, goes over a warm connection like every other one, follows
redirects, and honours Retry-After. A HEAD would cost a connection for each file.
Rule 2: of a file whose size the chain does not tell (an InRelease, a key file) only all of it can tell whether it is
the one; those are few and small.
Rule 3: a host that cannot be reached, or asked to be left alone, is asked nothing more for a while.
Rule 4: the answer is a hint: only who fetches the file knows its bytes.
"""

import re
from collections.abc import Sequence
from enum import StrEnum

from aptfreeze.errors import MissingUpstreamError, UpstreamError
from aptfreeze.fetch.chain import accept
from aptfreeze.fetch.download import Downloads
from aptfreeze.fetch.failures import PassingError, WrongBytesError
from aptfreeze.fetch.line import Response
from aptfreeze.fetch.priority import Priority
from aptfreeze.fetch.turns import Standing
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.values import immutable

_TOTAL = re.compile(r"bytes [0-9*-]{1,40}/([0-9]{1,19})")
_LARGEST = 64 << 20
"""Bytes of an InRelease, or of a single file."""


class Where(StrEnum):
    """What mirrors say of a file."""

    FOUND = "found"
    GONE = "gone"
    """Each of them has not got it, or has another one under that name."""
    UNKNOWN = "unknown"
    """One of them did not answer, and no other one has it."""
    UNASKED = "not asked"


@immutable
class Presence:
    where: Where
    detail: str = ""
    """The URL where it is; else what the mirrors said."""


@immutable
class _Asker:
    priority: Priority = Priority.SOURCES


def ask(downloads: Downloads, wanted: Wanted, urls: Sequence[str]) -> Presence:
    """Ask one URL after the other until one has the file; blocks, and raises nothing of what mirrors do."""
    said: list[str] = []
    where = Where.GONE
    for url in urls:
        try:
            if downloads.hosts.standing(url) is not Standing.GOOD:
                raise PassingError("its host did not answer a moment ago, or asked to be left alone")
            _ask(downloads, wanted, url)
            return Presence(Where.FOUND, url)
        except (MissingUpstreamError, WrongBytesError) as error:
            said.append(f"{url}: {error.message}")
        except UpstreamError as error:
            said.append(f"{url}: {error.message}")
            where = Where.UNKNOWN
    return Presence(where, "; ".join(said))


def _ask(downloads: Downloads, wanted: Wanted, url: str) -> None:
    if wanted.size is None:
        fetched = downloads.fetch_bytes([url], _LARGEST, Priority.SOURCES, is_patient=False)
        if Digest.of(fetched.data) != wanted.digest:
            raise WrongBytesError("has another state of it")
        return
    with downloads.hosts.get(url, _Asker(), start=0, end=1, size=1) as response:
        if response.status != 416:  # of an empty file there is no first byte
            accept(response)
        size = _size(response)
    if size is not None and size != wanted.size:
        raise WrongBytesError(f"has {size} bytes instead of {wanted.size}")


def _size(response: Response) -> int | None:
    if response.status == 200:  # who ignores Range
        return response.head.content_length
    match = _TOTAL.fullmatch(response.head.get("Content-Range") or "")
    return None if match is None else int(match[1])
