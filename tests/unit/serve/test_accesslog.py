# SPDX-License-Identifier: MIT
"""The access log: what is told at the end of each answer."""

import asyncio
from pathlib import Path

import pytest

from aptfreeze.errors import UsageError
from aptfreeze.http.message import BadRequest, Headers, Request
from aptfreeze.serve.accesslog import AccessLog, Logged
from aptfreeze.serve.answers import text_reply
from aptfreeze.serve.reply import Reply

REQUEST = Request("GET", b"http://mirror.example.org/debian/dists/sid/InRelease", "1.1", Headers([]), True)


def test_an_answer_is_told_with_its_status_and_size_when_it_ended(tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "access.log")
    reply = log.follow(REQUEST, text_reply(404, "no", "no"))
    log.flush()
    assert (tmp_path / "access.log").read_text() == ""
    assert reply.done is not None
    reply.done(14, True)
    log.close()
    (line,) = (tmp_path / "access.log").read_text().splitlines()
    assert line.endswith(" GET http://mirror.example.org/debian/dists/sid/InRelease 404 14")


def test_a_cut_answer_is_marked_and_the_replys_own_end_is_told_too(tmp_path: Path) -> None:
    told: list[tuple[int, bool]] = []
    log = AccessLog(tmp_path / "access.log")
    reply = text_reply(200, "", "text")
    reply.done = lambda sent, is_complete: told.append((sent, is_complete))
    done = log.follow(REQUEST, reply).done
    assert done is not None
    done(3, False)
    log.close()
    assert (tmp_path / "access.log").read_text().endswith(" 200 3 -\n")
    assert told == [(3, False)]


def test_no_password_of_a_target_gets_into_the_log(tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "access.log")
    target = b"http://jane:se@cret@mirror.example.org/a@b?at=x//y@z"
    done = log.follow(Request("GET", target, "1.1", Headers([]), True), text_reply(400, "", "text")).done
    assert done is not None
    done(5, True)
    log.close()
    assert (tmp_path / "access.log").read_text().endswith(" GET http://***@mirror.example.org/a@b?at=x//y@z 400 5\n")


def test_a_log_goes_on_where_an_earlier_one_ended(tmp_path: Path) -> None:
    for _ in range(2):
        log = AccessLog(tmp_path / "access.log")
        done = log.follow(REQUEST, text_reply(200, "", "text")).done
        assert done is not None
        done(5, True)
        log.close()
    assert len((tmp_path / "access.log").read_text().splitlines()) == 2


def test_a_log_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        AccessLog(tmp_path / "missing" / "access.log")


class Later:
    """Answers with what it was given."""

    def __init__(self, source: asyncio.Future[Reply]) -> None:
        self.source = source

    def answer(self, request: Request) -> asyncio.Future[Reply]:
        return self.source

    def refuse(self, bad: BadRequest) -> Reply:
        return text_reply(bad.status, bad.reason, bad.reason)


class Handler:
    """Answers the first request at once, the second later, and fails at the third."""

    def __init__(self) -> None:
        self.asked = 0

    def answer(self, request: Request) -> Reply | asyncio.Future[Reply]:
        self.asked += 1
        if self.asked == 1:
            return text_reply(200, "", "now")
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        if self.asked == 2:
            loop.call_soon(future.set_result, text_reply(201, "", "later"))
        else:
            loop.call_soon(future.set_exception, OSError("no answer"))
        return future

    def refuse(self, bad: BadRequest) -> Reply:
        return text_reply(bad.status, bad.reason, bad.reason)


def test_a_handlers_answers_are_told_whenever_they_come(tmp_path: Path) -> None:
    async def ask() -> None:
        log = AccessLog(tmp_path / "access.log")
        handler = Logged(Handler(), log)
        for _ in range(3):
            answer = handler.answer(REQUEST)
            try:
                reply = answer if isinstance(answer, Reply) else await answer
            except OSError:
                continue
            assert reply.done is not None
            reply.done(1, True)
        assert handler.refuse(BadRequest(400, "bad")).done is None
        log.close()

    asyncio.run(ask())
    lines = (tmp_path / "access.log").read_text().splitlines()
    assert [line.split()[-2] for line in lines] == ["200", "201"]


def test_an_answer_is_told_that_is_taken_as_soon_as_it_is_there(tmp_path: Path) -> None:
    # A connection looks at all of its answers when the first one of them tells that it has come.
    async def ask() -> None:
        log = AccessLog(tmp_path / "access.log")
        source: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        answer = Logged(Later(source), log).answer(REQUEST)
        assert isinstance(answer, asyncio.Future)
        source.set_result(text_reply(200, "", "text"))
        if not answer.done():
            await asyncio.wait((answer,))
        done = answer.result().done
        assert done is not None
        done(4, True)
        log.close()

    asyncio.run(ask())
    assert (tmp_path / "access.log").read_text().endswith(" 200 4\n")


def test_a_client_that_left_cancels_the_handler_and_ends_an_answer_that_came_all_the_same(tmp_path: Path) -> None:
    told: list[tuple[int, bool]] = []

    async def ask(*, comes_all_the_same: bool) -> None:
        log = AccessLog(tmp_path / "access.log")
        source: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        answer = Logged(Later(source), log).answer(REQUEST)
        assert isinstance(answer, asyncio.Future)
        if comes_all_the_same:
            reply = text_reply(200, "", "text")
            reply.done = lambda sent, is_complete: told.append((sent, is_complete))
            source.set_result(reply)
        answer.cancel()
        await asyncio.wait((source,))
        await asyncio.sleep(0)
        assert source.cancelled() is not comes_all_the_same
        log.close()

    asyncio.run(ask(comes_all_the_same=False))
    assert (tmp_path / "access.log").read_text() == ""
    asyncio.run(ask(comes_all_the_same=True))
    assert told == [(0, False)]
    assert (tmp_path / "access.log").read_text().endswith(" 200 0 -\n")
