# SPDX-License-Identifier: MIT
"""Whatever a handler does, a reply comes out."""

import asyncio

import pytest

from aptfreeze.http.message import BadRequest, Request, RequestParser
from aptfreeze.serve.boundary import Boundary, answered, attended
from aptfreeze.serve.reply import Inline, Reply

(GET,) = RequestParser().feed(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
(HEAD,) = RequestParser().feed(b"HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n")


class Broken:
    """A handler with a bug in every method."""

    def answer(self, request: Request) -> Reply:
        raise KeyError("bug in answer")

    def refuse(self, bad: BadRequest) -> Reply:
        raise KeyError("bug in refuse")


@pytest.fixture
def boundary() -> Boundary:
    return Boundary(Broken())


def _is_apology(reply: object) -> bool:
    assert isinstance(reply, Reply)
    assert isinstance(reply.body, Inline)
    return reply.head.startswith(b"HTTP/1.1 500 ") and b"internal error" in reply.body.data and not reply.close


def test_exceptions_are_answered_and_logged_with_the_request(
    boundary: Boundary, caplog: pytest.LogCaptureFixture
) -> None:
    assert _is_apology(boundary.answer(GET))
    assert _is_apology(boundary.refuse(BadRequest(400, "bad")))
    assert "GET b'/x'" in caplog.text
    assert "bug in answer" in caplog.text
    assert "bug in refuse" in caplog.text


def test_the_apology_to_head_has_no_body(boundary: Boundary) -> None:
    reply = boundary.answer(HEAD)
    assert isinstance(reply, Reply)
    assert reply.body == Inline(b"")


def test_futures_that_failed_or_were_cancelled_are_answered(boundary: Boundary) -> None:
    loop = asyncio.new_event_loop()
    failed: asyncio.Future[Reply] = loop.create_future()
    failed.set_exception(KeyError("bug"))
    cancelled: asyncio.Future[Reply] = loop.create_future()
    cancelled.cancel()
    assert _is_apology(boundary.result(GET, failed))
    assert _is_apology(boundary.result(GET, cancelled))
    loop.close()


def test_a_handler_task_that_fails_leaves_its_group_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> Reply:
        raise KeyError("bug in a task")

    async def fine() -> Reply:
        return Reply(b"", Inline(b"fine"))

    async def both() -> list[Reply]:
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(answered(GET, work)) for work in (broken(), fine())]
        return [task.result() for task in asked]

    failed, answer = asyncio.run(both())
    assert _is_apology(failed)
    assert answer.body == Inline(b"fine")
    assert "bug in a task" in caplog.text


def test_what_is_discarded_is_told_as_not_sent_also_if_it_comes_later(boundary: Boundary) -> None:
    told: list[tuple[int, bool]] = []
    reply = Reply(b"", Inline(b"abc"), done=lambda sent, complete: told.append((sent, complete)))
    boundary.discard(reply)
    assert told == [(0, False)]

    async def stubborn() -> Reply:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return reply  # it had acquired something, and hands it over
        raise AssertionError

    async def discard_all() -> None:
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        future.set_result(reply)
        boundary.discard(future)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(stubborn())
            await asyncio.sleep(0)
            boundary.discard(task)

    asyncio.run(discard_all())
    assert told == [(0, False)] * 3


def test_what_goes_wrong_in_the_background_is_logged_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise KeyError("bug beside the requests")

    async def story() -> list[str]:
        done: list[str] = []

        async def succeed() -> None:
            await asyncio.sleep(0)
            done.append("the other one")

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(attended("settle a pin", fail()))
            tasks.create_task(attended("another", succeed()))
        return done

    assert asyncio.run(story()) == ["the other one"]
    assert "settle a pin" in caplog.text
    assert "bug beside the requests" in caplog.text
