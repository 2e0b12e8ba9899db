# SPDX-License-Identifier: MIT
"""The registry of fuzz targets: a function per parser of foreign bytes, and the one error that it may end in.

A target takes any bytes and returns None. It may raise its `refusal`, which its parser documents, and checks by
assertions what holds for all that is accepted. To add one: a function, a line in TARGETS, and a folder of that name
in `corpus/` with a few small, valid inputs and one per bug that was found.
"""

import io
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aptfreeze.deb.archive import read
from aptfreeze.deb.changelog import entries
from aptfreeze.deb.checksums import sha256sums
from aptfreeze.deb.compression import SUFFIXES, decompress
from aptfreeze.deb.deb822 import Limits, ParseError, paragraphs
from aptfreeze.deb.index import PoolEntry, packages, sources
from aptfreeze.deb.paths import Location, PathError, quoted
from aptfreeze.deb.release import Release
from aptfreeze.deb.tar import LARGEST_FILE, LONGEST_NAME, File
from aptfreeze.environment.config import Surroundings, load
from aptfreeze.environment.folder import Environment
from aptfreeze.errors import UpstreamError, UsageError
from aptfreeze.fetch.url import Endpoint, redirected
from aptfreeze.freeze import conflict, lockfile, merge
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, InRelease, Pin, SuiteKey
from aptfreeze.freeze.moves import Identity
from aptfreeze.freeze.outcome import Answer, Asked, NeedEntry, NeedRelease, NeedSums, PinnedFile, PinnedPackage
from aptfreeze.freeze.resolve import resolve
from aptfreeze.http.message import BadRequest, Headers, Request, RequestParser
from aptfreeze.http.semantics import Representation, is_conditional, plan_response
from aptfreeze.trust import clearsign
from aptfreeze.trust.aptsources import deb822_entries, one_line_entries
from aptfreeze.trust.armor import ArmorError, dearmored
from aptfreeze.trust.keyring import Keyring, KeyringError
from aptfreeze.trust.signing import SigningKey, SigningKeyError

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


def _deb(data: bytes) -> None:
    for each in read(io.BytesIO(data), lambda path: "x" not in path, limit=1 << 20):
        assert "x" not in each.path
        assert len(each.path) <= LONGEST_NAME
        assert not each.path.startswith(("/", "./"))
        assert not isinstance(each, File) or len(each.content) <= LARGEST_FILE


def _changelog(data: bytes) -> None:
    """Nothing is refused; what is accepted reads the same again."""
    found = list(entries(data))
    assert list(entries("\n\n".join(entry.text for entry in found).encode())) == found
    for entry in found:
        assert entry.version in entry.text.partition("\n")[0]
        assert not set(entry.text) & set("\r\x1b\x9b")


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


def _conditions(data: bytes) -> None:
    """Header lines; whatever a client says it has, the answer is whole, a part, or a "no" without a body."""
    lines = (line.partition(": ") for line in data.decode("latin-1").split("\n"))
    request = Request("GET", b"/", "1.1", Headers([(name, value) for name, colon, value in lines if colon]), True)
    plan = plan_response(
        request, Representation('"e"', datetime(2026, 7, 11, 10, 16, 37, tzinfo=UTC), 1000, "text/plain")
    )
    assert plan.status in (200, 206, 304, 412, 416)
    assert plan.status != 200 or (plan.start, plan.end) == (0, 1000)
    assert plan.status in (200, 206) or plan.start == plan.end
    assert plan.status in (200, 206) or is_conditional(request.headers)


def _lockfile(data: bytes) -> None:
    generation = lockfile.parse(data.decode("utf-8", "replace"))
    assert lockfile.parse(lockfile.dump(generation)) == generation


def _conflict(data: bytes) -> None:
    """What is taken apart has no markers left, and whatever two sides are, a choice makes a lock file of them."""
    sides = conflict.take_apart(data.decode("utf-8", "replace"), "aptfreeze.lock")
    if sides is None:
        return
    assert all(conflict.take_apart(text, "side") is None for text in (sides.ours, sides.theirs, sides.base or ""))
    ours, theirs = lockfile.parse(sides.ours), lockfile.parse(sides.theirs)
    base = None if sides.base is None else lockfile.parse(sides.base)
    new = Identity("0" * 32, datetime(2026, 1, 1, tzinfo=UTC))
    result = merge.merge(base, ours, theirs, new=new)
    if isinstance(result, merge.Conflicted):
        again = conflict.take_apart(
            conflict.marked(lockfile.dump(result.ours), lockfile.dump(result.theirs), None), "x"
        )
        assert again is not None
        assert (lockfile.parse(again.ours), lockfile.parse(again.theirs)) == (result.ours, result.theirs)
        result = merge.merge(base, ours, theirs, new=new, choice=merge.Side.OURS)
    assert isinstance(result, merge.Merged)
    assert lockfile.parse(lockfile.dump(result.generation)) == result.generation


def _location(data: bytes) -> None:
    location = Location.parse(data)
    assert "/../" not in f"{location.path}/"
    assert Location.parse(f"{location.scheme}://{location.host}{quoted(location.path)}".encode()).text == location.text


def _endpoint(data: bytes) -> None:
    endpoint = Endpoint.parse(data.decode("latin-1"))
    assert not set(endpoint.target) & set(" \r\n")


def _redirect(data: bytes) -> None:
    """Wherever a mirror sends us, it is a URL that can be asked, or none."""
    endpoint = Endpoint.parse(redirected("http://mirror.example.org/debian/x", data.decode("latin-1")))
    assert not set(endpoint.target) & set(" \r\n")
    assert 0 <= endpoint.port <= 65535


def _config(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = Environment(Path(folder))
        environment.config_file.write_bytes(data)
        load(environment, Surroundings({}, Path(folder)), {})


def _clearsigned(data: bytes) -> None:
    framed = clearsign.parse(data)
    assert framed.payload.endswith(b"\n") or not framed.payload


def _armor(data: bytes) -> None:
    """What is in armour comes out of it again."""
    packets = dearmored(data, "SIGNATURE")
    assert packets[:1] < b"\x80" or dearmored(packets, "SIGNATURE") == packets
    text = b64encode(packets)
    assert (
        dearmored(b"-----BEGIN PGP SIGNATURE-----\n\n%b\n-----END PGP SIGNATURE-----\n" % text, "SIGNATURE") == packets
    )


def _apt_sources(data: bytes) -> None:
    """Of files that are not ours to judge nothing is refused."""
    for entry in (*one_line_entries(data), *deb822_entries(data)):
        assert all(name.startswith("/") for name in entry.files)
        assert not any(name.endswith("/") for name in entry.repositories)


def _keyring(data: bytes) -> None:
    Keyring.parse("fuzz.gpg", data)


def _signing_key(data: bytes) -> None:
    """What is accepted signs, and comes back from what would be kept of it."""
    key = SigningKey.parse(data)
    assert SigningKey.parse(key.private) == key
    assert Keyring.parse("fuzzed", key.armored).certificates


def _resolve(data: bytes) -> None:
    """Any target, against a suite with one index that lists nothing: only what its Release lists is ever served."""
    host = b"http://mirror.example.org/"
    resolution = resolve(Asked(Location.parse(host + data), True, frozenset({"amd64"})), _GENERATION)
    try:
        need = next(resolution)
        while True:
            answers: dict[type, Answer] = {NeedRelease: _RELEASE, NeedSums: {}, NeedEntry: None}
            need = resolution.send(answers[type(need)])
    except StopIteration as stop:
        outcome = stop.value
    assert not isinstance(outcome, PinnedPackage)
    if isinstance(outcome, PinnedFile):
        assert outcome.file.relative.removeprefix("dists/bookworm/") in _RELEASE.files
        assert outcome.file.wanted.digest.algorithm.is_strong


_SUITE = SuiteKey("mirror.example.org/debian", "bookworm")
_RELEASE = Release.parse(
    b"Suite: stable\nCodename: bookworm\nAcquire-By-Hash: yes\nSHA256:\n"
    b" %b 7 main/binary-amd64/Packages.xz\n %b 9 main/installer-amd64/SHA256SUMS\n" % (b"a" * 64, b"b" * 64)
)
_GENERATION = Generation("0" * 32, datetime(2026, 1, 1, tzinfo=UTC)).with_pin(
    _SUITE, Pin(InRelease(Digest.of(b"")), None, "stable", "bookworm", ("A" * 40,))
)


TARGETS = (
    Target("deb822", _deb822, ParseError),
    Target("release", _release, ParseError),
    Target("packages", _packages, ParseError),
    Target("sources", _sources, ParseError),
    Target("checksums", _checksums, ParseError),
    Target("compression", _compression, ParseError),
    Target("deb", _deb, ParseError),
    Target("changelog", _changelog, ParseError),
    Target("request", _request, BadRequest),
    Target("range", _range, ParseError),
    Target("conditions", _conditions, ParseError),
    Target("lockfile", _lockfile, UsageError),
    Target("conflict", _conflict, UsageError),
    Target("location", _location, PathError),
    Target("endpoint", _endpoint, UpstreamError),
    Target("redirect", _redirect, UpstreamError),
    Target("config", _config, UsageError),
    Target("clearsigned", _clearsigned, clearsign.FramingError),
    Target("armor", _armor, ArmorError),
    Target("aptsources", _apt_sources, ParseError),
    Target("keyring", _keyring, KeyringError),
    Target("signingkey", _signing_key, SigningKeyError),
    Target("resolve", _resolve, PathError),
)
