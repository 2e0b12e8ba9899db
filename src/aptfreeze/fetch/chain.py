# SPDX-License-Identifier: MIT
"""Suppliers: where the bytes of a digest can come from, in order, and what each of them delivers.

Rule 1: a supplier verifies nothing; whoever takes the bytes does, and says which supplier was wrong.
Rule 2: what can be seen to be wrong before the body (another length than wanted) is a WrongBytesError without it.
Rule 3: a supplier is a value: two equal ones are the same supplier, and blame sticks to it.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from aptfreeze.archive.checks import pieces
from aptfreeze.archive.growth import Growth
from aptfreeze.errors import IntegrityError, MissingUpstreamError, UpstreamError
from aptfreeze.fetch import split
from aptfreeze.fetch.failures import PassingError, UnusableRangeError, WrongBytesError
from aptfreeze.fetch.host import Response
from aptfreeze.fetch.hosts import Hosts
from aptfreeze.fetch.priority import Asker, Priority
from aptfreeze.fetch.turns import Standing
from aptfreeze.freeze.digest import Wanted
from aptfreeze.values import immutable

LARGEST_UNKNOWN = 4 << 30
"""Bytes of a file whose size the chain does not tell."""


@immutable
class Delivery:
    """What a supplier sends."""

    start: int
    """The first piece begins at this byte of the file: where it was asked to, or 0."""
    is_framed: bool
    """Whether a body that was cut short can be told from a whole one."""
    pieces: Iterator[bytes]
    """Raises PassingError when it is cut, WrongBytesError when it turns out to be no good."""


class Means(Protocol):
    """What suppliers use to do it."""

    @property
    def hosts(self) -> Hosts: ...

    def obtain(
        self, wanted: Wanted, suppliers: Sequence["Supplier"], priority: Priority, *, at_once: bool
    ) -> Growth: ...


class Supplier(Protocol):
    """A mirror, a remote, the snapshot service, a file that it can be derived from; hashable."""

    @property
    def name(self) -> str:
        """For messages and blame: its URL."""

    def standing(self, means: Means) -> Standing:
        """How good it is to ask it at the moment."""

    def open(self, means: Means, wanted: Wanted, start: int, asker: Asker) -> AbstractContextManager[Delivery]:
        """Begin to deliver from byte `start` on. UpstreamError as in `failures`."""


@immutable
class MirrorUrl:
    """A file on a mirror, by its URL, path raw as it goes to the wire."""

    url: str

    @property
    def name(self) -> str:
        return self.url

    def standing(self, means: Means) -> Standing:
        return means.hosts.standing(self.url)

    @contextmanager
    def open(self, means: Means, wanted: Wanted, start: int, asker: Asker) -> Iterator[Delivery]:
        hosts, size = means.hosts, wanted.size or 0
        at_once = 1 if asker.priority >= Priority.SOURCES else hosts.parts_at_once(self.url)
        parts = split.parts_of(start, size, at_once)
        if len(parts) == 1:
            with hosts.get(self.url, asker, start=start, size=max(0, size - start)) as response:
                yield _delivery(response, wanted, start)
            return

        def get(part: split.Part, asker: Asker) -> AbstractContextManager[Response]:
            return hosts.get(self.url, asker, start=part.start, end=part.end, size=part.size)

        refused = partial(hosts.refuse_parts, self.url)
        with split.opened(parts, get, asker, at_once, refused) as (response, pieces):
            yield replace(_delivery(response, wanted, start), pieces=pieces)


@immutable
class Derived:
    """An index that the mirror has only compressed: its compressed form, which is listed too, decompressed."""

    sibling: Wanted
    suffix: str
    """`.xz`, `.gz` or `.bz2`."""
    suppliers: tuple[Supplier, ...]
    """Of the compressed form."""

    @property
    def name(self) -> str:
        return f"{self.suffix} form {self.sibling.digest}"

    def standing(self, means: Means) -> Standing:
        return Standing.GOOD

    @contextmanager
    def open(self, means: Means, wanted: Wanted, start: int, asker: Asker) -> Iterator[Delivery]:
        # At once: a thread waits for it from now on, so it must not wait for a thread itself.
        try:
            growth = means.obtain(self.sibling, self.suppliers, asker.priority, at_once=True)
        except IntegrityError as error:  # it was damaged in the archive; the next attempt fetches it
            raise PassingError(error.message) from error
        yield Delivery(0, True, self._decompressed(growth, wanted))

    def _decompressed(self, growth: Growth, wanted: Wanted) -> Iterator[bytes]:
        from aptfreeze.deb import compression, deb822  # start-up time: lzma is heavy

        try:
            limit = wanted.size if wanted.size is not None else LARGEST_UNKNOWN
            yield from compression.decompress(pieces(growth.descriptor()), self.suffix, limit)
        except deb822.ParseError as error:
            raise WrongBytesError(f"cannot be decompressed: {error}") from error


def _delivery(response: Response, wanted: Wanted, start: int) -> Delivery:
    if response.status == 416:
        _judge_total(response.head.get("Content-Range") or "", wanted)
        raise UnusableRangeError(f"cannot go on at byte {start}")
    accept(response)
    length = response.head.content_length
    if response.status == 206:
        _judge_range(response.head.get("Content-Range") or "", wanted, start)
        return Delivery(start, True, response.body())
    if wanted.size is not None and length is not None and length != wanted.size:
        raise WrongBytesError(f"has {length} bytes instead of {wanted.size}")
    is_framed = length is not None or response.head.get("Transfer-Encoding") is not None
    return Delivery(0, is_framed, response.body())


def _judge_total(content_range: str, wanted: Wanted) -> None:
    total = content_range.rpartition("/")[2]
    if wanted.size is not None and total.isascii() and total.isdigit() and total != str(wanted.size):
        raise WrongBytesError(f"has {total:.40} bytes instead of {wanted.size}")


def _judge_range(content_range: str, wanted: Wanted, start: int) -> None:
    """RFC 9110 15.3.7: the recipient of a 206 must look at what range it got."""
    match = split.CONTENT_RANGE.fullmatch(content_range)
    if match is None or int(match[1]) != start:
        raise UnusableRangeError(f"asked to go on at byte {start}, sent {content_range[:80]!r}")
    _judge_total(content_range, wanted)


def accept(response: Response) -> None:
    """Nothing if the answer is 200 or 206; else the UpstreamError that it means."""
    status = response.status
    if status in (200, 206):
        return
    said = f"{status} {response.head.reason}".rstrip()
    if status in (404, 410):
        raise MissingUpstreamError(said)
    if status in (408, 425, 429) or status >= 500:
        raise PassingError(
            said, after_s=retry_after_s(response.head.get("Retry-After") or "", response.head.get("Date") or "")
        )
    raise UpstreamError(said)


def retry_after_s(value: str, date: str = "") -> float:
    """RFC 9110 10.2.3: seconds or a time; 0 for what is neither.

    A time is reckoned from the answer's own Date: this machine's clock may be years off.
    """
    if value.isascii() and value.isdigit():
        return float(value)
    if not value:
        return 0.0
    until = _moment(value)
    return 0.0 if until is None else max(0.0, (until - (_moment(date) or datetime.now(UTC))).total_seconds())


def _moment(value: str) -> datetime | None:
    """What an HTTP date means, in UTC unless it says otherwise; None: nothing."""
    import email.utils  # start-up time

    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
