# SPDX-License-Identifier: MIT
"""What a GET or HEAD of known bytes is answered with: preconditions and ranges (RFC 9110 13 and 14).

Rule 1: dates are identities, not an order. After a change of the generation a file may be *older* than the client's
copy, and "not modified since" would keep the wrong one for ever: only the very date that we sent counts as equal.
Rule 2: a range is served only if it is one range in bytes, well-formed, and the client's `If-Range` is ours; every
other wish for a part is answered by the whole, which is always right.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache

from aptfreeze.http.message import Headers, Request
from aptfreeze.values import immutable

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_CONDITIONS = frozenset({"if-match", "if-unmodified-since", "if-none-match", "if-modified-since", "range"})

# RFC 9110 14.1.1: names of range units are case-insensitive. 18 digits are more than any file has.
_RANGE = re.compile(r"bytes=(?:(?P<first>\d{1,18})-(?P<last>\d{1,18})?|-(?P<suffix>\d{1,18}))", re.I | re.ASCII)
_IMF_FIXDATE = re.compile(
    r"[A-Z][a-z]{2}, (?P<day>\d{2}) (?P<month>[A-Z][a-z]{2}) (?P<year>\d{4})"
    r" (?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2}) GMT",
    re.ASCII,
)
_ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')


@immutable
class Representation:
    """The bytes that a target names, as far as their head is concerned."""

    etag: str
    """A strong entity tag made from the digest, quotes included."""
    last_modified: datetime | None
    """Aware UTC, whole seconds; the same for ever for the same bytes of the same generation."""
    size: int
    """In bytes."""
    content_type: str


@immutable
class Plan:
    """The answer's status, headers, and which bytes of the representation are its body."""

    status: int
    """200, 206, 304, 412 or 416."""
    headers: tuple[tuple[str, str], ...]
    start: int
    end: int
    """The body is the bytes from start up to, but not including, end. A HEAD gets the same headers and no body."""


def is_conditional(headers: Headers) -> bool:
    """Whether a plan depends on these headers; if not, the plan for the representation alone can be kept and reused."""
    return not _CONDITIONS.isdisjoint(headers.names)


def plan_response(request: Request, representation: Representation, *, allow_range: bool = True) -> Plan:
    """Decide between the whole, a part, "not modified" and "precondition failed", in the order of RFC 9110 13.2.2.

    Without allow_range a request for a part gets the whole, never 206, 304 or 416: the client holds a beginning of
    which it must be cured.
    """
    if not is_conditional(request.headers):
        return _whole(representation)
    wants_part = "range" in request.headers and request.method == "GET"  # RFC 9110 14.2: ignored for other methods
    if wants_part and not allow_range:
        return _whole(representation)
    if _has_failed(request.headers, representation):
        return Plan(412, (*_validators(representation), ("Content-Length", "0")), 0, 0)
    if _is_unmodified(request.headers, representation):
        return Plan(304, _validators(representation), 0, 0)
    if wants_part and _is_same(request.headers.get("if-range"), representation):
        return _part(request.headers.get("range") or "", representation)
    return _whole(representation)


@lru_cache(maxsize=256)
def http_date(moment: datetime) -> str:
    """IMF-fixdate of RFC 9110 5.6.7, in any locale.

    >>> http_date(datetime(2026, 7, 11, 10, 16, 37, tzinfo=UTC))
    'Sat, 11 Jul 2026 10:16:37 GMT'
    """
    utc = moment.astimezone(UTC)
    return f"{_DAYS[utc.weekday()]}, {utc.day:02} {_MONTHS[utc.month - 1]} {utc.year:04} {utc:%H:%M:%S} GMT"


def parse_http_date(text: str) -> datetime | None:
    """The moment of an IMF-fixdate; None for anything else (the obsolete forms of RFC 9110 5.6.7 are not sent by apt).

    >>> parse_http_date("Sat, 11 Jul 2026 10:16:37 GMT")
    datetime.datetime(2026, 7, 11, 10, 16, 37, tzinfo=datetime.timezone.utc)
    """
    match = _IMF_FIXDATE.fullmatch(text)
    if match is None or match["month"] not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(match[name]) for name in ("day", "year", "hour", "minute", "second"))
    try:
        return datetime(year, _MONTHS.index(match["month"]) + 1, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _has_failed(headers: Headers, representation: Representation) -> bool:
    """RFC 9110 13.1.1 and 13.1.4, steps 1 and 2: the client wants these bytes or none."""
    if (wanted := headers.get("if-match")) is not None:
        # Strong comparison: a weak tag never matches.
        return wanted.strip() != "*" and representation.etag not in re.findall(r'(?<!W/)"[^"]*"', wanted)
    since, date = headers.get("if-unmodified-since"), representation.last_modified
    return since is not None and date is not None and since != http_date(date)


def _is_unmodified(headers: Headers, representation: Representation) -> bool:
    """RFC 9110 13.1.2 and 13.1.3, steps 3 and 4: If-None-Match, and only without it If-Modified-Since."""
    if (known := headers.get("if-none-match")) is not None:
        return known.strip() == "*" or representation.etag in _ENTITY_TAG.findall(known)
    since, date = headers.get("if-modified-since"), representation.last_modified
    return since is not None and date is not None and since == http_date(date)


def _is_same(if_range: str | None, representation: Representation) -> bool:
    """RFC 9110 13.1.5: a strong entity tag or an exact date. Our dates are strong: they belong to a digest."""
    if if_range is None:
        return True
    date = representation.last_modified
    return if_range == representation.etag or (date is not None and if_range == http_date(date))


def _part(wish: str, representation: Representation) -> Plan:
    match = _RANGE.fullmatch(wish)
    size = representation.size
    if match is None:  # RFC 9110 14.2: ignore an unknown unit, a malformed range; we ignore several ranges as well
        return _whole(representation)
    if match["suffix"]:
        count = min(int(match["suffix"]), size)
        first, last = size - count, size - 1
    else:
        first, last = int(match["first"]), min(int(match["last"] or size), size - 1)
        if match["last"] and int(match["last"]) < first:  # RFC 9110 14.1.2: invalid, not unsatisfiable
            return _whole(representation)
    if first >= size:  # RFC 9110 15.5.17. apt takes it for "complete" if the number is the size that it has
        head = (("Content-Range", f"bytes */{size}"), ("Content-Length", "0"))
        return Plan(416, (*_validators(representation), *head), 0, 0)
    content = (("Content-Range", f"bytes {first}-{last}/{size}"), *_content(representation, last + 1 - first))
    return Plan(206, (*_validators(representation), *content), first, last + 1)


def _whole(representation: Representation) -> Plan:
    headers = (*_validators(representation), *_content(representation, representation.size))
    return Plan(200, headers, 0, representation.size)


def _validators(representation: Representation) -> tuple[tuple[str, str], ...]:
    always = (("Accept-Ranges", "bytes"), ("ETag", representation.etag))
    if representation.last_modified is None:
        return always
    return (*always, ("Last-Modified", http_date(representation.last_modified)))


def _content(representation: Representation, length: int) -> tuple[tuple[str, str], ...]:
    return (("Content-Type", representation.content_type), ("Content-Length", str(length)))
