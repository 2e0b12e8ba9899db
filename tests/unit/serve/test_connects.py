# SPDX-License-Identifier: MIT
"""What becomes of a CONNECT: by client, host and settings. Real bytes are in tests/wire and tests/apt."""

import asyncio
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aptfreeze.errors import OfflineError, RefusedError, UpstreamError
from aptfreeze.fetch.mirrors import Mirrors
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.http.message import BadRequest, Headers, Request
from aptfreeze.serve.connects import Connects, Inside
from aptfreeze.serve.policy import Passage
from aptfreeze.serve.reply import Reply
from aptfreeze.serve.session import Session
from aptfreeze.settings import InterceptSettings, MirrorSettings, Passthrough, PolicySettings
from support.client import APT_USER_AGENT
from support.serving import Answer, Scripted
from support.tls import certificates

NOWHERE = Path("/nonexistent")


class Asked:
    """CONNECTs to one desk."""

    def __init__(self, archive: OpenArchive, session: Session) -> None:
        self.archive = archive
        self.session = session
        self.intercept = InterceptSettings(NOWHERE)
        self.policy = PolicySettings()
        self.offline = False
        self.has_relays = True
        """Whether there is a thread for what passes through."""

    def connect(self, target: str, agent: str = "Wget/1.21.3") -> Reply:
        async def ask() -> Reply:
            with ThreadPoolExecutor(1) as threads, ThreadPoolExecutor(1) as relays:
                if not self.has_relays:
                    relays.shutdown()
                return await self._desk(threads, relays).answer(_request("CONNECT", target, agent))

        return asyncio.run(ask())

    def reads(self, method: str, target: str, agent: str = "Wget/1.21.3") -> bool:
        with ThreadPoolExecutor(1) as threads:
            return self._desk(threads, threads).reads(_request(method, target, agent))

    def _desk(self, threads: ThreadPoolExecutor, relays: ThreadPoolExecutor) -> Connects:
        return Connects(
            self.session,
            self.intercept,
            certificates(),
            Mirrors(MirrorSettings({"mirror.example.org/debian": ("http://127.0.0.1:9/debian",)})),
            Passage(self.session, self.policy, frozenset()),
            self.archive.downloads.hosts,
            threads,
            relays,
            offline=self.offline,
        )


def _request(method: str, target: str, agent: str) -> Request:
    return Request(method, target.encode(), "1.1", Headers([("User-Agent", agent)]), True, "127.0.0.1")


@pytest.fixture
def asked(archive: OpenArchive, session: Session) -> Asked:
    return Asked(archive, session)


@pytest.fixture
def server() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def leave(reply: Reply) -> None:
    """The client has gone before anything was sent."""
    assert reply.done is not None
    reply.done(0, False)


def test_apts_is_intercepted_whatever_the_host_and_not_counted(asked: Asked) -> None:
    for target in ("mirror.example.org:443", "other.example.org:8443", "[2001:db8::1]:443"):
        reply = asked.connect(target, APT_USER_AGENT)
        assert reply.head == b"HTTP/1.1 200 Connection established\r\n\r\n"
        assert reply.upgrade is not None
        assert reply.done is None
    assert not asked.session.not_frozen


def test_it_needs_no_thread_of_what_passes_through(asked: Asked) -> None:
    asked.has_relays = False
    assert asked.connect("mirror.example.org:443", APT_USER_AGENT).upgrade is not None


def test_offline_it_is_intercepted_too(asked: Asked) -> None:
    asked.offline = True
    assert asked.connect("mirror.example.org:443", APT_USER_AGENT).upgrade is not None


def test_others_are_intercepted_at_hosts_of_the_setting_and_below(asked: Asked) -> None:
    asked.intercept = InterceptSettings(NOWHERE, intercept=("example.net",))
    for target in ("example.net:443", "a.b.example.net:443"):
        assert asked.connect(target).done is None
    with pytest.raises(UpstreamError):
        asked.connect("notexample.net.invalid:443")


def test_a_dot_at_the_end_of_the_name_makes_no_other_host_of_it(asked: Asked) -> None:
    asked.intercept = InterceptSettings(NOWHERE, intercept=("example.net",))
    assert asked.connect("EXAMPLE.net.:443").done is None
    asked.offline = True
    with pytest.raises(OfflineError):
        asked.connect("mirror.example.org.:443")
    assert "past the frozen repositories of that host" in asked.session.notices[0]


def test_what_is_intercepted_can_be_read(asked: Asked) -> None:
    asked.intercept = InterceptSettings(NOWHERE, intercept=("example.net",))
    assert asked.reads("CONNECT", "mirror.example.org:443", APT_USER_AGENT)
    assert asked.reads("CONNECT", "example.net:443")
    assert not asked.reads("CONNECT", "mirror.example.org:443")
    assert not asked.reads("GET", "https://example.net/")


def test_the_rest_is_a_tunnel_and_counted(asked: Asked, server: str) -> None:
    reply = asked.connect(server)
    assert reply.upgrade is not None
    leave(reply)
    assert asked.session.not_frozen == {server: 1}
    assert asked.session.notices == []


def test_also_apts_to_hosts_of_the_other_setting(asked: Asked, server: str) -> None:
    asked.intercept = InterceptSettings(NOWHERE, intercept=("127.0.0.1",), tunnel=("127.0.0.1",))
    leave(asked.connect(server, APT_USER_AGENT))
    assert asked.session.not_frozen == {server: 1}


def test_a_host_that_no_certificate_may_be_made_for_is_refused(asked: Asked) -> None:
    asked.intercept = InterceptSettings(NOWHERE, certificates_for=("mirror.example.org",))
    assert asked.connect("mirror.example.org:443", APT_USER_AGENT).upgrade
    with pytest.raises(RefusedError, match="certificates_for does not list it"):
        asked.connect("other.example.org:443", APT_USER_AGENT)


@pytest.mark.parametrize("target", ["mirror.example.org:443", "127.0.0.1:9"])
def test_a_tunnel_to_a_host_of_the_lock_or_of_a_mirror_is_told_with_the_setting(asked: Asked, target: str) -> None:
    asked.offline = True
    with pytest.raises(OfflineError):
        asked.connect(target)
    (notice,) = asked.session.notices
    assert "Wget/1.21.3 reads https://" in notice
    assert f'"{target.partition(":")[0]}" in [tls] intercept' in notice


def test_offline_or_denied_there_is_no_tunnel(asked: Asked, server: str) -> None:
    asked.offline = True
    with pytest.raises(OfflineError, match="--offline forbids a tunnel"):
        asked.connect(server)
    asked.policy = PolicySettings(passthrough=Passthrough.DENY)
    with pytest.raises(RefusedError, match="not passed through"):
        asked.connect(server)
    assert asked.session.not_frozen == {server: 2}


def test_a_server_that_is_away_is_an_upstream_error(asked: Asked) -> None:
    with pytest.raises(UpstreamError, match=r"127\.0\.0\.1:9"):
        asked.connect("127.0.0.1:9")


class Heard(Scripted):
    """Keeps what it was asked and refused."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Request] = []
        self.refused: list[int] = []

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        return super().answer(request)

    def refuse(self, bad: BadRequest) -> Reply:
        self.refused.append(bad.status)
        return super().refuse(bad)


def inside(target: bytes, method: str = "GET", authorization: str | None = None) -> Heard:
    heard = Heard()
    request = Request(method, target, "1.1", Headers([("Host", "x")]), True, "127.0.0.1")
    Inside(b"https://mirror.example.org", authorization, heard).answer(request)
    return heard


@pytest.mark.parametrize("target", [b"/debian/x?y", b"https://mirror.example.org/debian/x?y"])
def test_inside_a_path_is_one_of_the_host_of_the_connect(target: bytes) -> None:
    (request,) = inside(target).requests
    assert request.target == b"https://mirror.example.org/debian/x?y"
    assert (request.method, request.client, request.headers.get("Host")) == ("GET", "127.0.0.1", "x")


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", b"https://other.example.org/x", 421),
        ("GET", b"http://mirror.example.org/x", 421),
        ("GET", b"https://mirror.example.org.evil.example/x", 421),
        ("CONNECT", b"other.example.org:443", 400),
    ],
)
def test_inside_nothing_leads_elsewhere(method: str, target: bytes, status: int) -> None:
    heard = inside(target, method)
    assert (heard.requests, heard.refused) == ([], [status])


def test_inside_the_password_of_the_connect_counts_and_no_other() -> None:
    (request,) = inside(b"/x", authorization="Basic abc").requests
    assert request.headers.get("Proxy-Authorization") == "Basic abc"
    (request,) = inside(b"/x").requests
    assert "Proxy-Authorization" not in request.headers
