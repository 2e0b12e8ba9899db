# SPDX-License-Identifier: MIT
"""What is no apt request: passed on as it is, counted, never kept."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from aptfreeze.deb.paths import Location
from aptfreeze.errors import OfflineError, RefusedError, UpstreamError
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.http.message import Headers, Request
from aptfreeze.serve.passing import PassThrough
from aptfreeze.serve.policy import Passage
from aptfreeze.serve.reply import PipeBody, Reply
from aptfreeze.serve.session import Session
from aptfreeze.settings import Passthrough, PolicySettings
from support.faults import Truncate
from support.origin import Origin

CONTENT = os.urandom(300_000)


def passage(session: Session, settings: PolicySettings | None = None) -> Passage:
    return Passage(session, settings or PolicySettings(), frozenset())


def relayed(
    archive: OpenArchive,
    session: Session,
    url: str,
    *,
    offline: bool = False,
    policy: PolicySettings | None = None,
    client: str = "127.0.0.1",
) -> tuple[Reply, bytes, bool]:
    """The reply, its body, and whether it ended well; told to its end as a connection does."""

    async def ask() -> tuple[Reply, bytes, bool]:
        with ThreadPoolExecutor(2) as threads:
            passing = PassThrough(session, archive.downloads, passage(session, policy), threads, offline=offline)
            request = Request("GET", url.encode(), "1.1", Headers([("User-Agent", "Wget/1.21")]), True, client)
            reply = await passing.relay(request, Location.parse(url.encode()))
            assert isinstance(reply.body, PipeBody)
            assert reply.body.ended_well is not None
            body = await asyncio.to_thread(_read_all, reply.body.fd)
            ended_well = reply.body.ended_well()
            assert reply.done is not None
            reply.done(len(body), ended_well)
            return reply, body, ended_well

    return asyncio.run(ask())


def _read_all(fd: int) -> bytes:
    with os.fdopen(os.dup(fd), "rb") as pipe:
        return pipe.read()


@pytest.fixture
def served(origin: Origin) -> Origin:
    origin.root.mkdir(parents=True, exist_ok=True)
    (origin.root / "file.tar").write_bytes(CONTENT)
    return origin


def test_the_answer_of_the_server_itself(archive: OpenArchive, session: Session, served: Origin) -> None:
    reply, body, ended_well = relayed(archive, session, f"{served.url}/file.tar")
    assert reply.head.startswith(b"HTTP/1.1 200 ")
    assert (body, ended_well) == (CONTENT, True)
    assert session.not_frozen == {served.host: 1}
    assert session.traffic.passed_through == len(CONTENT)
    assert served.requests[-1].user_agent == "Wget/1.21"
    assert not any((archive.objects.layout.root / "objects").rglob("*/*/*"))


def test_an_error_of_the_server_is_passed_on_too(archive: OpenArchive, session: Session, served: Origin) -> None:
    reply, _, ended_well = relayed(archive, session, f"{served.url}/absent")
    assert reply.head.startswith(b"HTTP/1.1 404 ")
    assert ended_well


def test_a_cut_answer_does_not_look_whole(archive: OpenArchive, session: Session, served: Origin) -> None:
    served.inject("*", Truncate(1000))
    _, body, ended_well = relayed(archive, session, f"{served.url}/file.tar")
    assert len(body) < len(CONTENT)
    assert not ended_well


def test_a_server_that_is_away_is_an_upstream_error_and_counted(
    archive: OpenArchive, session: Session, served: Origin
) -> None:
    served.stop()
    with pytest.raises(UpstreamError):
        relayed(archive, session, f"{served.url}/file.tar")
    assert session.not_frozen == {served.host: 1}


def test_offline_nothing_passes(archive: OpenArchive, session: Session, served: Origin) -> None:
    with pytest.raises(OfflineError, match="is not frozen"):
        relayed(archive, session, f"{served.url}/file.tar", offline=True)
    assert served.count() == 0


def test_what_is_denied_reaches_nobody_and_is_counted(archive: OpenArchive, session: Session, served: Origin) -> None:
    with pytest.raises(RefusedError, match=f"{served.host} is not passed through"):
        relayed(archive, session, f"{served.url}/file.tar", policy=PolicySettings(passthrough=Passthrough.DENY))
    assert served.count() == 0
    assert session.not_frozen == {served.host: 1}


def test_a_listed_path_passes_where_the_rest_is_denied(archive: OpenArchive, session: Session, served: Origin) -> None:
    policy = PolicySettings(passthrough=Passthrough.DENY, allow=(f"{served.host}/file.tar",))
    assert relayed(archive, session, f"{served.url}/file.tar", policy=policy)[1] == CONTENT
    with pytest.raises(RefusedError):
        relayed(archive, session, f"{served.url}/other.tar", policy=policy)


def test_a_client_of_another_machine_does_not_reach_this_one(
    archive: OpenArchive, session: Session, served: Origin
) -> None:
    with pytest.raises(RefusedError, match=r"at 127\.0\.0\.1, a loopback address"):
        relayed(archive, session, f"{served.url}/file.tar", client="192.0.2.7")
    assert served.count() == 0
    policy = PolicySettings(allow=(served.host,))
    assert relayed(archive, session, f"{served.url}/file.tar", client="192.0.2.7", policy=policy)[1] == CONTENT


def test_what_cannot_be_passed_is_refused_in_the_reason_phrase(archive: OpenArchive, session: Session) -> None:
    with ThreadPoolExecutor(1) as threads:
        passing = PassThrough(session, archive.downloads, passage(session), threads, offline=False)
        reply = passing.refuse(Request("POST", b"http://www.example.org/", "1.1", Headers([]), True))
    assert reply.head.startswith(b"HTTP/1.1 501 POST is not passed through")
    assert not session.not_frozen
