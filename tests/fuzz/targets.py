# SPDX-License-Identifier: MIT
"""The registry of fuzz targets: a function per parser of foreign bytes, and the one error that it may end in.

A target takes any bytes and returns None. It may raise its `refusal`, which its parser documents, and checks by
assertions what holds for all that is accepted. To add one: a function, a line in TARGETS, and a folder of that name
in `corpus/` with a few small, valid inputs and one per bug that was found.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from aptfreeze.deb.checksums import sha256sums
from aptfreeze.deb.compression import SUFFIXES, decompress
from aptfreeze.deb.deb822 import Limits, ParseError, paragraphs
from aptfreeze.deb.index import PoolEntry, packages, sources
from aptfreeze.deb.release import Release
from aptfreeze.errors import UsageError
from aptfreeze.freeze import lockfile
from aptfreeze.http.message import BadRequest, Headers, Request, RequestParser
from aptfreeze.http.semantics import Representation, plan_response

CORPUS = Path(__file__).with_name("corpus")


@dataclass(frozen=True, slots=True)
class Target:
    """One parser, with what it may raise."""

    name: str
    function: Callable[[bytes], None]
    refusal: type[Exception]

    def corpus(self) -> list[bytes]:
        """The inputs to start from, in the order of their file names."""
        return [path.read_bytes() for path in sorted((CORPUS / self.name).iterdir())]

    def try_on(self, data: bytes) -> bool:
        """Whether the parser accepts data; any error but its refusal goes to the caller."""
        try:
            self.function(data)
        except self.refusal:
            return False
        return True


def _is_inside(path: str) -> bool:
    return not {"", ".", ".."} & set(path.split("/"))


def _deb822(data: bytes) -> None:
    limits = Limits(line=2000, paragraph=20_000, fields=50)
    for paragraph in paragraphs(data.split(b"\n"), limits):
        assert 0 < len(paragraph) <= limits.fields


def _release(data: bytes) -> None:
    release = Release.parse(data)
    for path, listed in release.files.items():
        assert _is_inside(path)
        assert listed in release.variants(path) or not path.endswith(SUFFIXES)
        assert listed.hashes
    for index in (*release.package_indexes(), *release.source_indexes()):
        assert release.variants(index.path)


def _check_entries(entries: Iterator[PoolEntry]) -> None:
    for entry in entries:
        assert _is_inside(entry.path)
        assert entry.size >= 0
        assert entry.hashes


def _packages(data: bytes) -> None:
    _check_entries(packages(data))


def _sources(data: bytes) -> None:
    _check_entries(sources(data))


def _checksums(data: bytes) -> None:
    assert all(map(_is_inside, sha256sums(data)))


def _compression(data: bytes) -> None:
    """The first byte chooses the compression, so that one corpus serves all."""
    limit = 1 << 20
    suffix = ("", *SUFFIXES)[data[0] % 4] if data else ""
    assert sum(len(piece) for piece in decompress([data[1:40], data[40:]], suffix, limit)) <= limit


def _outcome(chunks: list[bytes]) -> tuple[list[Request], BadRequest | None, bytes]:
    parser = RequestParser()
    requests: list[Request] = []
    try:
        for chunk in chunks:
            requests += parser.feed(chunk)
    except BadRequest as bad:
        return requests + bad.before, bad, parser.leftover
    return requests, None, parser.leftover


def _request(data: bytes) -> None:
    """However the bytes are cut, the same requests are read from them, and the same is refused."""
    requests, bad, tunnel = _outcome([data])
    pieces = [data[i : i + 1] for i in range(len(data))]
    same_requests, same_bad, same_tunnel = _outcome(pieces)
    assert same_requests == requests
    assert same_tunnel == tunnel
    assert (same_bad and same_bad.status) == (bad and bad.status)
    if bad:
        raise bad


def _range(data: bytes) -> None:
    whole = Representation('"e"', None, 1000, "text/plain")
    request = Request("GET", b"/", "1.1", Headers([("Range", data.decode("latin-1"))]), True)
    plan = plan_response(request, whole)
    assert 0 <= plan.start <= plan.end <= whole.size
    assert dict(plan.headers)["Content-Length"] == str(plan.end - plan.start)


def _lockfile(data: bytes) -> None:
    generation = lockfile.parse(data.decode("utf-8", "replace"))
    assert lockfile.parse(lockfile.dump(generation)) == generation


TARGETS = (
    Target("deb822", _deb822, ParseError),
    Target("release", _release, ParseError),
    Target("packages", _packages, ParseError),
    Target("sources", _sources, ParseError),
    Target("checksums", _checksums, ParseError),
    Target("compression", _compression, ParseError),
    Target("request", _request, BadRequest),
    Target("range", _range, ParseError),
    Target("lockfile", _lockfile, UsageError),
)
