# SPDX-License-Identifier: MIT
"""How a service that keeps the states of a repository names them, and what its API says (pure).

The layout is that of snapshot.debian.org: `/archive/NAME/20261101T000000Z/PATH`, `/file/SHA1`, and JSON below `/mr/`.
Rule 1: a time between two states means the earlier one; the service redirects to it, or serves it at once.
Rule 2: a Release is imported after its Date, so that what it lists is in the first state at or after that Date. That
one may still have the Release before, from a mirror that was late: then it is in a further one.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from aptfreeze.deb.paths import quoted
from aptfreeze.values import immutable

LOOKED_AT = 4
"""So many states after a Date are looked into; snapshot.debian.org makes four a day."""
_GUESSES = (timedelta(), timedelta(hours=6), timedelta(hours=12), timedelta(hours=24))
"""After a Date, where nobody tells which states there are."""
_SPAN = timedelta(days=30)
"""How much later the first state may be: imports of the security archive once failed for days."""

_STAMP = r"[0-9]{8}T[0-9]{6}Z"
_SHA1 = r"[0-9a-f]{40}"
_NAMES = r"debian(?:-(?:archive|backports|debug|ports|security|volatile))?"


def timestamp(moment: datetime) -> str:
    """An aware UTC time as in URLs: `20261101T120000Z`."""
    return f"{moment:%Y%m%dT%H%M%SZ}"


def archive_name(repository: str) -> str | None:
    """What the service calls a repository of Debian, by its identity; None if that does not tell."""
    host, _, path = repository.partition("/")
    if not path:
        return "debian-security" if host.startswith("security.") else None
    name = path.rpartition("/")[2]
    return name if re.fullmatch(_NAMES, name) else None


@immutable
class Archive:
    """Where the states of one repository lie."""

    url: str
    """Without a final slash."""

    @property
    def service(self) -> str:
        """The base URL of the API; empty where the URL's form does not tell of one."""
        return self.url.rpartition("/archive/")[0]

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]

    def file(self, state: str, relative: str) -> str:
        """The URL of a file, given below the repository and normalised, in the state of that timestamp."""
        return f"{self.url}/{state}/{quoted(relative)}"

    def question(self, date: datetime) -> str:
        """The URL that tells which states there are since a Date."""
        # A second earlier: whether `after` means "not before" is not written anywhere.
        after, before = timestamp(date - timedelta(seconds=1)), timestamp(date + _SPAN)
        return f"{self.service}/mr/timestamp/?archive={self.name}&after={after}&before={before}"


def states(data: bytes, name: str, date: datetime) -> tuple[str, ...]:
    """The first states at or after a Date in the answer to `Archive.question`; ValueError if it is none.

    Not more than `LOOKED_AT`.
    """
    listed = _result(data, dict).get(name, [])
    if not isinstance(listed, list):
        raise ValueError(f"{listed!r:.80} is no list of times")
    stamps = {stamp for stamp in listed if isinstance(stamp, str) and re.fullmatch(_STAMP, stamp)}
    return tuple(sorted(stamp for stamp in stamps if stamp >= timestamp(date))[:LOOKED_AT])


def guesses(date: datetime) -> tuple[str, ...]:
    """Times whose states may have what was published at that Date, where the service does not tell which there are."""
    return tuple(timestamp(date + step) for step in _GUESSES)


@immutable
class Copy:
    """A file that the service keeps, whichever states it is in."""

    sha1: str
    """In lower-case hex."""
    archive: str
    name: str
    size: int
    """In bytes."""


def copies_url(service: str, package: str, version: str, *, is_source: bool) -> str:
    """The URL that tells all files of a binary or source package."""
    kind, files = ("package", "srcfiles") if is_source else ("binary", "binfiles")
    return f"{service}/mr/{kind}/{quoted(package)}/{quoted(version)}/{files}?fileinfo=1"


def copies(data: bytes) -> tuple[Copy, ...]:
    """The files in the answer to `copies_url`; ValueError if it is none. What has not the right form is left out."""
    _result(data, list)
    info = _json(data).get("fileinfo")
    if not isinstance(info, dict):
        raise ValueError("it has no fileinfo")
    found = (_copy(sha1, each) for sha1, group in info.items() if isinstance(group, list) for each in group)
    return tuple(copy for copy in found if copy is not None)


def _copy(sha1: str, info: object) -> Copy | None:
    match info:
        case {"archive_name": str(archive), "name": str(name), "size": int(size)} if re.fullmatch(_SHA1, sha1):
            return Copy(sha1, archive, name, size)
    return None


def _result(data: bytes, kind: type) -> Any:
    result = _json(data).get("result")
    if not isinstance(result, kind):
        raise ValueError("it has no result")
    return result


def _json(data: bytes) -> Mapping[str, Any]:
    import json  # start-up time

    try:
        answer = json.loads(data)
    except RecursionError as error:
        raise ValueError("it is too deeply nested") from error
    if not isinstance(answer, dict):
        raise ValueError("it is no object")
    return answer
