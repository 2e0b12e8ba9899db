# SPDX-License-Identifier: MIT
"""Who gets past the gate of a server that other machines reach, with what."""

import asyncio
import base64
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from aptfreeze.errors import RefusedError, UsageError
from aptfreeze.fetch.mirrors import Mirrors
from aptfreeze.fetch.places import places
from aptfreeze.fetch.url import Endpoint
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation
from aptfreeze.http.message import BadRequest, Headers, Request
from aptfreeze.rows import from_values
from aptfreeze.serve.answers import text_reply
from aptfreeze.serve.gate import Gate, Gated, guard, read_credentials
from aptfreeze.serve.reply import Inline, Reply
from aptfreeze.settings import MirrorSettings, PolicySettings, Settings, Sourced
from support.defaults import defaults
from support.environments import MAIN, pin
from support.sessions import CREATED, GENERATION

ALIAS = MirrorSettings({"mirror.example.org/debian": ("http://near.example.org/deb",)})


class Everything:
    """Answers all that comes so far."""

    def answer(self, request: Request) -> Reply | asyncio.Future[Reply]:
        return text_reply(200, "OK", "all of it")

    def refuse(self, bad: BadRequest) -> Reply:
        return text_reply(bad.status, bad.reason, "no request")


def status(gate: Gate, target: str, method: str = "GET", **fields: str) -> int:
    headers = Headers([(name.replace("_", "-"), value) for name, value in fields.items()])
    reply = Gated(Everything(), gate, Mirrors(ALIAS).identify, lambda request: b"inside" in request.target).answer(
        Request(method, target.encode("latin-1"), "1.1", headers, True)
    )
    assert isinstance(reply, Reply)
    return int(reply.head.split()[1])


def listing(*texts: str) -> Gate:
    return Gate(places(texts), frozenset())


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


# --- the list ---


@pytest.mark.parametrize(
    "target",
    [
        "http://mirror.example.org/debian/dists/bookworm/InRelease",
        "http://MIRROR.example.org:80/debian//pool/./a.deb",
        "http://near.example.org/deb/dists/bookworm/InRelease",
        "https://mirror.example.org/debian/pool/a.deb",
        "http://vendor.example.org/anything?at=all",
    ],
)
def test_what_is_listed_is_served(target: str) -> None:
    assert status(listing("mirror.example.org/debian", "vendor.example.org"), target) == 200


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "http://www.example.org/"),
        ("GET", "http://mirror.example.org/other"),
        ("GET", "http://mirror.example.org/debian-security/x"),
        ("GET", "http://mirror.example.org:8080/debian/x"),
        ("GET", "http://mirror.example.org@www.example.org/debian/x"),
        ("GET", "http://mirror.example.org/debian/../other"),
        ("GET", "http://mirror.example.org/debian/%2e%2e/other"),
        ("GET", "http://127.0.0.1/debian/x"),
        ("GET", "/debian/x"),
        ("GET", "ftp://mirror.example.org/debian/x"),
        ("HEAD", "http://www.example.org/"),
        ("POST", "http://www.example.org/"),
        ("OPTIONS", "*"),
        ("CONNECT", "www.example.org:443"),
        ("CONNECT", "vendor.example.org:22"),
        ("CONNECT", "mirror.example.org:443"),
        ("CONNECT", "vendor.example.org"),
    ],
)
def test_there_is_no_way_around_the_list(method: str, target: str) -> None:
    assert status(listing("mirror.example.org/debian", "vendor.example.org"), target, method) == 403


def test_a_whole_host_may_be_a_tunnels_end() -> None:
    assert status(listing("vendor.example.org"), "VENDOR.example.org:443", "CONNECT") == 200


def test_a_connect_whose_requests_come_here_too_is_judged_by_those() -> None:
    assert status(listing("mirror.example.org/debian"), "inside.example.org:443", "CONNECT") == 200
    assert status(Gate((), frozenset({b"jane:secret"})), "inside.example.org:443", "CONNECT") == 407


# --- passwords ---


def test_one_of_the_passwords_opens(tmp_path: Path) -> None:
    gate = Gate((), frozenset({b"jane:secret", b"john:other"}))
    target = "http://www.example.org/"

    assert status(gate, target, Proxy_Authorization=basic("jane:secret")) == 200
    assert status(gate, target, Proxy_Authorization=basic("john:other").replace("Basic", "basic")) == 200
    for wrong in ("", "Basic", "Basic ?", basic(""), basic("jane:"), basic("jane:other"), basic("jane:secret").upper()):
        assert status(gate, target, Proxy_Authorization=wrong) == 407
    assert status(gate, target) == 407
    assert status(gate, "www.example.org:443", "CONNECT") == 407


def test_with_both_one_needs_both() -> None:
    gate = Gate(places(["vendor.example.org"]), frozenset({b"jane:secret"}))

    assert status(gate, "http://vendor.example.org/", Proxy_Authorization=basic("jane:secret")) == 200
    assert status(gate, "http://www.example.org/", Proxy_Authorization=basic("jane:secret")) == 403
    assert status(gate, "http://vendor.example.org/") == 407


def test_a_refusal_says_what_is_missing_and_has_no_body_for_head() -> None:
    gated = Gated(Everything(), Gate((), frozenset({b"jane:secret"})), lambda text: text, lambda _: False)
    reply = gated.answer(Request("HEAD", b"http://www.example.org/", "1.1", Headers([]), True))

    assert isinstance(reply, Reply)
    assert b'Proxy-Authenticate: Basic realm="aptfreeze"' in reply.head
    assert b"http_proxy=http://USER:PASSWORD@HOST:PORT" in reply.head
    assert reply.body == Inline()
    assert gated.refuse(BadRequest(400, "bad")).head.startswith(b"HTTP/1.1 400 ")


def written(file: Path, text: str, mode: int = 0o600) -> Path:
    file.write_text(text)
    file.chmod(mode)
    return file


def test_passwords_are_lines(tmp_path: Path) -> None:
    file = written(tmp_path / "passwords", "# builders\njane:secret\n\njohn:with:colon\n")
    assert read_credentials(file) == {b"jane:secret", b"john:with:colon"}


@pytest.mark.parametrize(
    ("text", "mode", "reason"),
    [
        ("jane:secret", 0o640, "can be read or written by others"),
        ("jane:secret", 0o602, "can be read or written by others"),
        ("", 0o600, "no user:password"),
        ("# nothing\n", 0o600, "no user:password"),
        ("jane:secret\njohn\n", 0o600, "no user:password"),
    ],
)
def test_a_bad_file_of_passwords_is_refused(tmp_path: Path, text: str, mode: int, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        read_credentials(written(tmp_path / "passwords", text, mode))


def test_a_file_of_passwords_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the passwords"):
        Gate.of(PolicySettings(credentials=tmp_path / "absent"), "--listen 0.0.0.0:1")


def test_without_a_list_and_passwords_there_is_no_gate() -> None:
    with pytest.raises(UsageError, match=r"other machines can reach --listen 0\.0\.0\.0:1"):
        Gate.of(PolicySettings(), "--listen 0.0.0.0:1")


# --- where it may connect to ---


def settings(**values: Any) -> Settings:
    own = {key.replace("__", "."): Sourced(value) for key, value in values.items()}
    return from_values({**defaults(), "archive.path": Sourced(Path("/archive")), **own})


def generation(**extra: str) -> Generation:
    files = {name: Digest.of(name.encode()) for name in extra.values()}
    return Generation(GENERATION, CREATED, MappingProxyType({MAIN: pin(1)}), MappingProxyType(files))


@pytest.mark.parametrize(
    "url",
    [
        "http://mirror.example.org/debian/x",  # pinned
        "http://files.example.org/other",  # a single file of it is pinned
        "http://near.example.org/x",
        "http://snapshot.example.org/x",
        "http://allowed.example.org/x",
        "http://served.example.org/x",
    ],
)
def test_hosts_that_the_environment_names_may_be_anywhere(url: str) -> None:
    check = guard(
        settings(
            mirrors=dict(ALIAS.mirrors),
            snapshot__service="http://snapshot.example.org",
            policy__allow=("allowed.example.org",),
            policy__serve=("served.example.org/debian",),
        ),
        generation(file="files.example.org/tool.tar"),
        frozenset(),
    )
    check(Endpoint.parse(url))("10.0.0.1", 80)


@pytest.mark.parametrize("url", ["http://www.example.org/x", "http://mirror.example.org:8080/x"])
def test_every_other_host_has_to_be_public(url: str) -> None:
    check = guard(settings(), generation(), frozenset())(Endpoint.parse(url))
    check("8.8.8.8", 80)
    with pytest.raises(RefusedError, match=r"10\.0\.0\.1, a private or reserved address"):
        check("10.0.0.1", 80)


def test_no_host_may_be_the_server_itself() -> None:
    check = guard(settings(), generation(), frozenset({("0.0.0.0", 3142)}))
    with pytest.raises(RefusedError, match="this proxy itself"):
        check(Endpoint.parse("http://mirror.example.org:3142/"))("127.0.0.1", 3142)


def test_a_connect_that_is_read_inside_opens_and_others_need_the_whole_host() -> None:
    gate = listing("mirror.example.org/debian")
    connect = Request("CONNECT", b"mirror.example.org:443", "1.1", Headers([]), True)
    read = Gated(Everything(), gate, Mirrors(ALIAS).identify, lambda _: True).answer(connect)
    assert isinstance(read, Reply)
    assert read.head.startswith(b"HTTP/1.1 200 ")
    assert status(gate, "mirror.example.org:443", "CONNECT") == 403
    assert status(gate, "https://mirror.example.org/debian/dists/bookworm/InRelease") == 200
    assert status(gate, "https://mirror.example.org/other/dists/bookworm/InRelease") == 403
