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
