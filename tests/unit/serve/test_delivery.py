# SPDX-License-Identifier: MIT
"""From a digest to a reply: held or downloaded, whole or in part, and what is prepared for the next client."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from aptfreeze.archive.growth import Growth
from aptfreeze.errors import MissingUpstreamError, OfflineError
from aptfreeze.fetch.chain import MirrorUrl, Supplier
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.freeze.generation import SuiteKey
from aptfreeze.http.message import Headers, Request
from aptfreeze.serve.delivery import Delivered, Delivery, until
from aptfreeze.serve.reply import FileBody, Inline, Reply
from aptfreeze.serve.session import Session
from support.faults import Flip
from support.origin import Origin

DATE = datetime(2026, 11, 21, 10, 16, 37, tzinfo=UTC)
CONTENT = bytes(range(256)) * 40
TARGET = b"http://mirror.example.org/debian/pool/x.deb"


def request(method: str = "GET", **fields: str) -> Request:
    return Request(
        method, TARGET, "1.1", Headers([(name.replace("_", "-"), value) for name, value in fields.items()]), True
    )


def nobody() -> list[Supplier]:
    raise OfflineError("not in the archive")


def delivered(content: bytes = CONTENT, suppliers: Callable[[], list[Supplier]] = nobody) -> Delivered:
    return Delivered(Wanted(Digest.of(content), len(content)), suppliers, DATE)


def body_of(reply: Reply) -> bytes:
    if isinstance(reply.body, Inline):
        return reply.body.data
    assert isinstance(reply.body, FileBody)
    return os.pread(reply.body.growth.descriptor(), reply.body.size, reply.body.start)


def status_of(reply: Reply) -> int:
    return int(reply.head[9:12])


def in_loop(story: Callable[[], Awaitable[None]]) -> None:
    async def told() -> None:
        async with asyncio.timeout(20):
            await story()

    asyncio.run(told())


@pytest.fixture
def delivery(archive: OpenArchive, session: Session) -> Delivery:
    return Delivery(archive.objects, archive.downloads, session)


def test_what_the_archive_holds_is_delivered_without_any_supplier(
    delivery: Delivery, archive: OpenArchive, session: Session
) -> None:
    archive.objects.put(CONTENT)

    async def story() -> None:
        reply = await delivery.deliver(request(), delivered())
        assert (status_of(reply), body_of(reply)) == (200, CONTENT)
        assert b"\r\nLast-Modified: Sat, 21 Nov 2026 10:16:37 GMT\r\n" in reply.head
        assert f'\r\nETag: "{Digest.of(CONTENT).hex}"\r\n'.encode() in reply.head
        assert reply.done is not None
        reply.done(len(CONTENT), True)

    in_loop(story)
    assert (session.traffic.from_archive, session.traffic.from_mirror) == (len(CONTENT), 0)


def test_what_it_lacks_is_fetched_once_for_all(
    delivery: Delivery, archive: OpenArchive, session: Session, origin: Origin
) -> None:
    (origin.root / "x.deb").parent.mkdir(parents=True, exist_ok=True)
    (origin.root / "x.deb").write_bytes(CONTENT)
    what = delivered(suppliers=lambda: [MirrorUrl(f"{origin.url}/x.deb")])

    async def story() -> None:
        replies = await asyncio.gather(*(delivery.deliver(request(), what) for _ in range(5)))
        assert {body_of(reply) for reply in replies} == {CONTENT}

    in_loop(story)
    assert origin.count() == 1
    assert archive.objects.has(Digest.of(CONTENT))


def test_a_failure_is_the_suppliers_own(delivery: Delivery, origin: Origin) -> None:
    async def story() -> None:
        with pytest.raises(OfflineError):
            await delivery.deliver(request(), delivered())
        with pytest.raises(MissingUpstreamError):
            await delivery.deliver(request(), delivered(suppliers=lambda: [MirrorUrl(f"{origin.url}/absent")]))

    in_loop(story)


def test_a_part_a_head_and_a_not_modified(delivery: Delivery, archive: OpenArchive) -> None:
    archive.objects.put(CONTENT)

    async def story() -> None:
        part = await delivery.deliver(request(Range="bytes=100-199"), delivered())
        assert (status_of(part), body_of(part)) == (206, CONTENT[100:200])
        head = await delivery.deliver(request("HEAD"), delivered())
        assert (status_of(head), body_of(head)) == (200, b"")
        same = await delivery.deliver(request(If_None_Match=f'"{Digest.of(CONTENT).hex}"'), delivered())
        assert (status_of(same), body_of(same)) == (304, b"")

    in_loop(story)


def test_a_plain_hit_is_prepared_and_only_for_plain_requests(delivery: Delivery, archive: OpenArchive) -> None:
    archive.objects.put(CONTENT)

    async def story() -> None:
        assert delivery.prepared(request(), 0) is None
        first = await delivery.deliver(request(), delivered())
        again = delivery.prepared(request(), 0)
        assert again is not None
        assert (again.head, body_of(again)) == (first.head, CONTENT)
        assert delivery.prepared(request("HEAD"), 0) is None
        assert delivery.prepared(request(Range="bytes=0-1"), 0) is None
        assert delivery.prepared(request(), asyncio.get_running_loop().time() + 25 * 3600) is None

    in_loop(story)


def test_what_was_answered_in_part_is_not_prepared(delivery: Delivery, archive: OpenArchive) -> None:
    archive.objects.put(CONTENT)

    async def story() -> None:
        for conditional in (request("HEAD"), request(Range="bytes=0-1"), request(If_Modified_Since="x")):
            await delivery.deliver(conditional, delivered())
        assert delivery.prepared(request(), 0) is None

    in_loop(story)


def test_prepared_answers_are_forgotten_when_an_object_rots_or_a_pin_is_dropped(
    delivery: Delivery, archive: OpenArchive, session: Session, key: SuiteKey
) -> None:
    digest = archive.objects.put(CONTENT)

    async def story() -> None:
        await delivery.deliver(request(), delivered())
        session.retract(key)
        assert delivery.prepared(request(), 0) is None
        await delivery.deliver(request(), delivered())
        archive.objects.quarantine(digest, "test")
        assert delivery.prepared(request(), 0) is None

    in_loop(story)


def test_an_object_that_rotted_is_told_and_fetched_anew(
    delivery: Delivery, archive: OpenArchive, told: list[str], origin: Origin, session: Session
) -> None:
    origin.root.mkdir(parents=True, exist_ok=True)
    (origin.root / "x.deb").write_bytes(CONTENT)
    digest = archive.objects.put(CONTENT)
    path = archive.objects.path(digest)
    assert path is not None
    path.chmod(0o644)
    path.write_bytes(b"?" + CONTENT[1:])

    async def story() -> None:
        reply = await delivery.deliver(request(), delivered(suppliers=lambda: [MirrorUrl(f"{origin.url}/x.deb")]))
        assert body_of(reply) == CONTENT

    in_loop(story)
    assert len(told) == 1
    assert str(digest) in told[0]


def test_wrong_bytes_are_no_reply(delivery: Delivery, origin: Origin) -> None:
    origin.root.mkdir(parents=True, exist_ok=True)
    (origin.root / "x.deb").write_bytes(CONTENT)
    origin.inject("*", Flip(5))

    async def story() -> None:
        with pytest.raises(Exception, match="do not match"):
            await delivery.deliver(request(), delivered(suppliers=lambda: [MirrorUrl(f"{origin.url}/x.deb")]))

    in_loop(story)


def test_who_wants_to_know_is_told_the_end_once(delivery: Delivery, archive: OpenArchive) -> None:
    archive.objects.put(CONTENT)
    ends: list[Growth] = []
    got: list[Digest] = []

    async def story() -> None:
        what = Delivered(Wanted(Digest.of(CONTENT)), nobody, DATE, complete=got.append, ended=ends.append)
        reply = await delivery.deliver(request(), what)
        assert reply.done is not None
        reply.done(1, False)  # the client left
        assert got == []
        reply.done(len(CONTENT), True)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    in_loop(story)
    assert got == [Digest.of(CONTENT)]
    assert len(ends) == 1


def test_waiting_looks_again_at_every_change() -> None:
    async def story() -> None:
        growth = Growth(10)
        waiting = asyncio.gather(until(growth, lambda: growth.error is not None))
        await asyncio.sleep(0)
        assert not waiting.done()
        await asyncio.to_thread(growth.fail, OfflineError("over"))
        await waiting

    in_loop(story)
