# SPDX-License-Identifier: MIT
"""Batches and tails against a stream that takes as many bytes as the test says."""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from aptfreeze.archive.growth import Descriptor, Growth
from aptfreeze.errors import UpstreamError
from aptfreeze.serve.outgoing import Batch, BodyLost, FileTail, Progress
from aptfreeze.serve.reply import Body, FileBody, Inline, PipeBody, Reply
from aptfreeze.serve.stream import Buffer
from support.serving import growing_file, object_growth


class Narrow:
    """A stream that accepts `room` bytes, then is full; `calls` shows how it was used."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.taken = bytearray()
        self.calls: list[str] = []

    def _take(self, data: bytes) -> int:
        if not self.room:
            raise BlockingIOError
        taken = data[: self.room]
        self.room -= len(taken)
        self.taken += taken
        return len(taken)

    def sendmsg(self, buffers: Sequence[Buffer], more: bool) -> int:
        self.calls.append("sendmsg, more" if more else "sendmsg")
        return self._take(b"".join(buffers))

    def sendfile(self, fd: int, offset: int, count: int) -> int:
        self.calls.append(f"sendfile {offset}+{count}")
        return self._take(os.pread(fd, count, offset)) if count else 0

    def fileno(self) -> int:
        raise NotImplementedError

    def recv(self, size: int) -> bytes:
        raise NotImplementedError

    def finish(self) -> None:
        raise NotImplementedError

    close = abort = finish


PLENTY = 1 << 30


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def batch_of(loop: asyncio.AbstractEventLoop, *bodies: Body, wake: Callable[[], None] = lambda: None) -> Batch:
    batch = Batch(loop, wake)
    for number, body in enumerate(bodies):
        assert not batch.is_full
        batch.add(Reply(b"", body), b"HEAD%d " % number)
    return batch


def receipts(batch: Batch, *, finished: bool = False) -> list[tuple[int, bool]]:
    return [(sent, complete) for _, sent, complete in batch.receipts(finished)]


def test_small_answers_leave_in_one_call(loop: asyncio.AbstractEventLoop, tmp_path: Path) -> None:
    data = os.urandom(32 * 1024)
    stream = Narrow(PLENTY)
    batch = batch_of(loop, Inline(b"one"), FileBody(object_growth(tmp_path / "f", data), 0, len(data)), Inline())
    assert batch.advance(stream, PLENTY) is Progress.FINISHED
    assert stream.taken == b"HEAD0 oneHEAD1 " + data + b"HEAD2 "
    assert stream.calls == ["sendmsg"]
    assert receipts(batch, finished=True) == [(3, True), (len(data), True), (0, True)]


def test_a_longer_file_goes_by_sendfile_in_one_segment_with_its_head(
    loop: asyncio.AbstractEventLoop, tmp_path: Path
) -> None:
    data = os.urandom(32 * 1024 + 1)
    stream = Narrow(PLENTY)
    batch = batch_of(loop, Inline(b"one"), FileBody(object_growth(tmp_path / "f", data), 0, len(data)))
    assert batch.is_full
    assert batch.advance(stream, PLENTY) is Progress.FINISHED
    assert stream.taken == b"HEAD0 oneHEAD1 " + data
    assert stream.calls == ["sendmsg, more", "sendfile 0+32769"]
    assert batch.sent == len(stream.taken)


@pytest.mark.parametrize("step", [1, 5, 64])
def test_nothing_is_lost_or_doubled_when_the_socket_takes_little(
    loop: asyncio.AbstractEventLoop, tmp_path: Path, step: int
) -> None:
    data = os.urandom(400)
    growth, write = growing_file(tmp_path / "f", 70_000)
    write(data)
    write(b"x" * 69_600)
    bodies: list[Body] = [Inline(b"one"), Inline(), Inline(b"three" * 20), FileBody(growth, 100, 34_000)]
    stream = Narrow(0)
    batch = batch_of(loop, *bodies)
    progress = batch.advance(stream, PLENTY)
    while progress is Progress.SOCKET_FULL:
        stream.room = step if len(stream.taken) < 1000 else PLENTY
        progress = batch.advance(stream, PLENTY)
    assert progress is Progress.FINISHED
    assert stream.taken == b"HEAD0 oneHEAD1 HEAD2 " + b"three" * 20 + b"HEAD3 " + data[100:] + b"x" * 33_600


@pytest.mark.parametrize(
    ("room", "expected"),
    [
        (0, [(0, False), (0, False)]),
        (6, [(0, False), (0, False)]),
        (8, [(2, False), (0, False)]),
        (9, [(3, True), (0, False)]),
        (15, [(3, True), (0, False)]),
        (18, [(3, True), (3, False)]),
        (20, [(3, True), (5, True)]),
    ],
)
def test_a_batch_that_was_cut_knows_how_far_each_of_its_replies_came(
    loop: asyncio.AbstractEventLoop, room: int, expected: list[tuple[int, bool]]
) -> None:
    batch = batch_of(loop, Inline(b"one"), Inline(b"three"))
    batch.advance(Narrow(room), PLENTY)
    assert receipts(batch) == expected


def test_the_same_reply_twice_in_a_batch_is_told_twice(loop: asyncio.AbstractEventLoop, tmp_path: Path) -> None:
    body = FileBody(object_growth(tmp_path / "f", b"x" * 50_000), 0, 50_000)
    reply = Reply(b"HEAD ", body)
    small = Reply(b"HEAD ", Inline(b"abc"))
    batch = Batch(loop, lambda: None)
    for each in (small, small, reply):
        batch.add(each, each.head)
    batch.advance(Narrow(16 + 5 + 1000), PLENTY)
    assert [(told is reply, sent, complete) for told, sent, complete in batch.receipts(False)] == [
        (False, 3, True),
        (False, 3, True),
        (True, 1000, False),
    ]


def test_a_batch_is_full_after_64_replies_or_256_kib(loop: asyncio.AbstractEventLoop) -> None:
    assert batch_of(loop, *[Inline(b"x")] * 64).is_full
    assert batch_of(loop, *[Inline(b"x" * 32_768)] * 8).is_full


def test_a_turn_ends_after_its_bytes(loop: asyncio.AbstractEventLoop, tmp_path: Path) -> None:
    stream = Narrow(PLENTY)
    batch = batch_of(loop, FileBody(object_growth(tmp_path / "f", b"x" * 100_000), 0, 100_000))
    assert batch.advance(stream, 40_006) is Progress.TURN_OVER
    assert batch.sent == 40_006
    assert batch.advance(stream, PLENTY) is Progress.FINISHED
    assert stream.calls[1:] == ["sendfile 0+40000", "sendfile 40000+60000"]


def test_a_tail_wakes_its_connection_once_for_many_publications(
    loop: asyncio.AbstractEventLoop, tmp_path: Path
) -> None:
    growth, write = growing_file(tmp_path / "f", 400_000)
    woken: list[int] = []
    tail = FileTail(FileBody(growth, 0, 400_000), loop, lambda: woken.append(growth.ready))
    stream = Narrow(PLENTY)
    assert tail.advance(stream, PLENTY) is Progress.SOURCE_EMPTY
    for _ in range(3):
        write(b"x" * 100_000)
    loop.run_until_complete(asyncio.sleep(0))
    assert woken == [300_000]
    assert tail.advance(stream, PLENTY) is Progress.SOURCE_EMPTY
    write(b"x" * 100_000)
    loop.run_until_complete(asyncio.sleep(0))
    assert woken == [300_000, 400_000]
    assert tail.advance(stream, PLENTY) is Progress.FINISHED


class Racing(Growth):
    """Grows in the moment between a reader's look and its subscription, when nobody is told."""

    def subscribe(self, callback: Callable[[], None]) -> None:
        self.publish(100_000)
        super().subscribe(callback)


def test_what_grows_just_before_the_subscription_is_seen(loop: asyncio.AbstractEventLoop, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 100_000)
    growth = Racing(100_000)
    growth.attach(Descriptor.open(tmp_path / "f"))
    stream = Narrow(PLENTY)
    assert FileTail(FileBody(growth, 0, 100_000), loop, lambda: None).advance(stream, PLENTY) is Progress.FINISHED


def test_publishing_into_an_ended_loop_harms_no_publisher(tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    growth, write = growing_file(tmp_path / "f", 200_000)
    tail = FileTail(FileBody(growth, 0, 200_000), loop, lambda: None)
    assert tail.advance(Narrow(PLENTY), PLENTY) is Progress.SOURCE_EMPTY
    loop.close()
    write(b"x" * 100_000)


def test_a_closed_tail_follows_no_more(loop: asyncio.AbstractEventLoop, tmp_path: Path) -> None:
    growth, write = growing_file(tmp_path / "f", 200_000)
    woken: list[bool] = []
    batch = batch_of(loop, FileBody(growth, 0, 200_000), wake=lambda: woken.append(True))
    assert batch.advance(Narrow(PLENTY), PLENTY) is Progress.SOURCE_EMPTY
    write(b"x" * 100_000)  # its wake-up is already under way
    batch.close()
    loop.run_until_complete(asyncio.sleep(0))
    assert not woken
    assert "0 readers" in repr(growth)


def test_a_growth_that_failed_sends_nothing_even_of_what_is_there(
    loop: asyncio.AbstractEventLoop, tmp_path: Path
) -> None:
    growth, write = growing_file(tmp_path / "f", 200_000)
    write(b"x" * 100_000)
    growth.fail(UpstreamError("the hash is another"))
    for body in (FileBody(growth, 0, 200_000), FileBody(growth, 0, 10)):
        stream = Narrow(PLENTY)
        with pytest.raises(BodyLost, match="the hash is another"):
            batch_of(loop, body).advance(stream, PLENTY)
        assert bytes(stream.taken) in (b"", b"HEAD0 ")


def test_a_pipe_is_watched_only_while_it_is_empty(loop: asyncio.AbstractEventLoop) -> None:
    read_end, write_end = os.pipe()
    woken: list[bool] = []
    batch = batch_of(loop, PipeBody(read_end), wake=lambda: woken.append(True))
    stream = Narrow(10)
    assert batch.advance(stream, PLENTY) is Progress.SOURCE_EMPTY
    os.write(write_end, b"0123456789")
    loop.run_until_complete(asyncio.sleep(0))
    assert woken
    assert batch.advance(stream, PLENTY) is Progress.SOCKET_FULL
    assert not loop.remove_reader(read_end)  # not watched: else it would wake us again and again
    stream.room = PLENTY
    assert batch.advance(stream, PLENTY) is Progress.SOURCE_EMPTY
    os.close(write_end)
    assert batch.advance(stream, PLENTY) is Progress.FINISHED
    assert stream.taken == b"HEAD0 0123456789"
    batch.close()
    os.close(read_end)


def test_a_pipe_whose_writer_failed_is_lost(loop: asyncio.AbstractEventLoop) -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b"half")
    os.close(write_end)
    with pytest.raises(BodyLost, match="after 4 bytes"):
        batch_of(loop, PipeBody(read_end, lambda: False)).advance(Narrow(PLENTY), PLENTY)
    os.close(read_end)
