# SPDX-License-Identifier: MIT
"""From a digest to a reply: held or downloaded, whole or in part, and what is prepared for the next client."""

import asyncio
import os
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aptfreeze.archive.growth import Growth
from aptfreeze.errors import MissingUpstreamError, OfflineError
from aptfreeze.fetch.chain import MirrorUrl, Supplier
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.freeze.generation import InRelease, Pin, SuiteKey
from aptfreeze.http.message import Headers, Request
from aptfreeze.http.semantics import Representation
from aptfreeze.serve.delivery import Delivered, Delivery, until
from aptfreeze.serve.reply import FileBody, Inline, Reply
from aptfreeze.serve.session import Session
from support.faults import Flip, Stall
from support.loops import in_loop
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


def test_it_counts_as_got_when_a_client_has_come_to_its_end(delivery: Delivery, archive: OpenArchive) -> None:
    archive.objects.put(CONTENT)
    got: list[Digest] = []

    async def story() -> None:
        what = Delivered(Wanted(Digest.of(CONTENT)), nobody, DATE, complete=got.append)

        async def told(asked: Request, sent: int, is_complete: bool) -> list[Digest]:
            reply = await delivery.deliver(asked, what)
            if reply.done is not None:
                reply.done(sent, is_complete)
            return got

        assert await told(request(), 1, False) == []  # the client left
        assert await told(request("HEAD"), 0, True) == []
        assert await told(request(Range="bytes=0-99"), 100, True) == []  # it has the first part only
        assert await told(request(If_None_Match=f'"{Digest.of(CONTENT).hex}"'), 0, True) == []
        assert await told(request(Range="bytes=100-"), len(CONTENT) - 100, True) == [Digest.of(CONTENT)]
        assert await told(request(), len(CONTENT), True) == [Digest.of(CONTENT)] * 2

    in_loop(story)


def test_of_a_prepared_answer_the_first_client_that_got_it_counts(delivery: Delivery, archive: OpenArchive) -> None:
    archive.objects.put(CONTENT)
    got: list[Digest] = []

    async def story() -> None:
        await delivery.deliver(request(), Delivered(Wanted(Digest.of(CONTENT)), nobody, DATE, complete=got.append))
        for sent, is_complete, told in ((1, False, 0), (len(CONTENT), True, 1), (len(CONTENT), True, 1)):
            reply = delivery.prepared(request(), 0)
            assert reply is not None
            assert reply.done is not None
            reply.done(sent, is_complete)
            assert got == [Digest.of(CONTENT)] * told

    in_loop(story)


def test_an_answer_by_a_pin_that_was_dropped_meanwhile_is_not_prepared(
    delivery: Delivery, archive: OpenArchive, session: Session, key: SuiteKey, pin: Pin
) -> None:
    archive.objects.put(CONTENT)
    what = replace(delivered(), suite=(key, pin))

    async def story() -> None:
        await delivery.deliver(request(), what)
        assert delivery.prepared(request(), 0) is not None
        session.retract(key)
        await delivery.deliver(request(), what)  # was looked up just before
        assert delivery.prepared(request(), 0) is None
        other = replace(pin, root=InRelease(Digest.of(b"another state")))
        session.generation = session.generation.with_pin(key, other)
        await delivery.deliver(request(), what)
        assert delivery.prepared(request(), 0) is None

    in_loop(story)


def test_no_more_answers_are_prepared_than_there_are_descriptors_for(delivery: Delivery, archive: OpenArchive) -> None:
    archive.objects.put(CONTENT)

    async def story() -> None:
        requests = [replace(request(), target=TARGET + str(number).encode()) for number in range(257)]
        for each in requests:
            await delivery.deliver(each, delivered())
        assert [delivery.prepared(each, 0) is None for each in requests] == [True] + [False] * 256

    in_loop(story)


@pytest.fixture
def large(origin: Origin) -> bytes:
    """A file on the mirror that is shown before it is verified."""
    data = random.Random(3).randbytes(2 << 20)
    origin.root.mkdir(parents=True, exist_ok=True)
    for name in ("one", "two"):
        (origin.root / name).write_bytes(data)
    return data


def test_after_wrong_bytes_went_out_a_range_gets_the_whole(delivery: Delivery, origin: Origin, large: bytes) -> None:
    what = delivered(large, lambda: [MirrorUrl(f"{origin.url}/one"), MirrorUrl(f"{origin.url}/two")])
    stall = Stall(1 << 20)
    origin.inject("/one", Flip(5), stall)

    async def story() -> None:
        reply = await delivery.deliver(request(Range="bytes=0-1000000"), what)
        assert status_of(reply) == 206
        assert isinstance(reply.body, FileBody)
        growth = reply.body.growth
        stall.release()
        await until(growth, lambda: growth.error is not None)
        await delivery.verified(what)
        again = await delivery.deliver(request(Range="bytes=0-1000000"), what)
        assert (status_of(again), body_of(again)) == (200, large)

    in_loop(story)


def test_verified_is_what_one_mirror_had_wrong_and_another_right(
    delivery: Delivery, archive: OpenArchive, origin: Origin, large: bytes
) -> None:
    origin.inject("/one", Flip(5))

    async def story() -> None:
        await delivery.verified(
            delivered(large, lambda: [MirrorUrl(f"{origin.url}/one"), MirrorUrl(f"{origin.url}/two")])
        )
        assert archive.objects.has(Digest.of(large))
        with pytest.raises(MissingUpstreamError):
            await delivery.verified(delivered(b"x", lambda: [MirrorUrl(f"{origin.url}/absent")]))

    in_loop(story)


def test_verified_waits_for_the_last_byte(
    delivery: Delivery, archive: OpenArchive, origin: Origin, large: bytes
) -> None:
    stall = Stall(1_900_000)
    origin.inject("/one", stall)
    what = delivered(large, lambda: [MirrorUrl(f"{origin.url}/one")])

    async def story() -> None:
        async with asyncio.TaskGroup() as tasks:
            verified = tasks.create_task(delivery.verified(what))
            await delivery.deliver(request(), what)
            await asyncio.to_thread(stall.reached.wait)
            assert not verified.done()
            stall.release()
        assert archive.objects.has(Digest.of(large))

    in_loop(story)


def test_waiting_looks_again_at_every_change() -> None:
    async def story() -> None:
        growth = Growth(10)
        waiting = asyncio.gather(until(growth, lambda: growth.error is not None))
        await asyncio.sleep(0)
        assert not waiting.done()
        await asyncio.to_thread(growth.fail, OfflineError("over"))
        await waiting

    in_loop(story)


# --- what is in no archive ---


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        (request(), 200, CONTENT),
        (request("HEAD"), 200, b""),
        (request(Range="bytes=10-19"), 206, CONTENT[10:20]),
        (request(If_None_Match=f'"{Digest.of(CONTENT).hex}"'), 304, b""),
    ],
)
def test_data_are_answered_as_a_file_would_be(
    delivery: Delivery, session: Session, asked: Request, status: int, body: bytes
) -> None:
    representation = Representation(f'"{Digest.of(CONTENT).hex}"', DATE, len(CONTENT), "text/plain")
    reply = delivery.deliver_data(asked, representation, CONTENT)
    assert (status_of(reply), body_of(reply)) == (status, body)
    assert f"Content-Length: {len(CONTENT)}".encode() in reply.head or asked.method == "GET"
    assert reply.done is not None
    reply.done(len(body), True)
    assert session.traffic.from_archive == len(body)
