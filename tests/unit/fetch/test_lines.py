# SPDX-License-Identifier: MIT
"""Which of a host's lines a request is given. With real connections and threads: test_host.py."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from aptfreeze.fetch.connection import Connection
from aptfreeze.fetch.line import Line, Ticket
from aptfreeze.fetch.lines import Lines
from support.askers import Asking


def ticket(size: int = 1) -> Ticket:
    return Ticket(b"", Asking(), size, 0)


class Host:
    """Lines of four connections at most, three requests in flight on each, and their servers' ends."""

    def __init__(self) -> None:
        self.lines = Lines(connections=4, depth=3)
        self.stack = ExitStack()

    def open(self, *sizes: int) -> Line:
        """One more line, that owes answers of these sizes."""
        mine, self.end = (self.stack.enter_context(end) for end in socket.socketpair())
        line = Line(ticket())
        line.owed.clear()
        line.owed.extend(map(ticket, sizes))
        line.connection = Connection(mine, "the server")
        self.lines.append(line)
        return line


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    with host.stack:
        yield host


def test_the_first_opens_one(host: Host) -> None:
    assert host.lines.choose(ticket()) is None
    assert host.lines.may_open(ticket())


def test_as_long_as_one_is_enough_it_takes_up_to_ten(host: Host) -> None:
    line = host.open(*[1] * 9)
    host.open()
    assert host.lines.choose(ticket()) is line
    line.owed.append(ticket())
    assert host.lines.choose(ticket()) is not line


def test_where_more_are_worth_it_an_idle_one_is_taken_or_one_opened(host: Host) -> None:
    host.lines.pace.allowed = 2
    host.open(1)
    assert host.lines.choose(ticket()) is None
    assert host.lines.may_open(ticket())
    idle = host.open()
    assert host.lines.choose(ticket()) is idle


def test_else_the_emptiest_one(host: Host) -> None:
    host.lines.pace.allowed = 2
    host.open(1, 1)
    emptiest = host.open(1)
    assert host.lines.choose(ticket()) is emptiest
    emptiest.owed.extend([ticket(), ticket()])
    emptiest = next(iter(host.lines))
    assert host.lines.choose(ticket()) is emptiest


def test_one_more_is_opened_past_large_files_and_no_further(host: Host) -> None:
    host.open(100 << 20)
    assert host.lines.choose(ticket()) is None
    assert host.lines.may_open(ticket())
    host.open(100 << 20)
    assert host.lines.choose(ticket()) is None
    assert not host.lines.may_open(ticket())


def test_behind_one_that_is_being_opened_one_waits(host: Host) -> None:
    host.lines.append(Line(ticket(100 << 20)))
    assert host.lines.choose(ticket()) is None
    assert not host.lines.may_open(ticket())


def test_never_more_than_the_limit(host: Host) -> None:
    host.lines.pace.allowed = 8
    for _ in range(4):
        host.open(1)
    assert not host.lines.may_open(ticket())


def test_an_idle_one_that_the_server_has_closed_is_told(host: Host) -> None:
    line = host.open()
    assert host.lines.ended() == []
    host.end.close()
    assert host.lines.ended() == [line]


def test_who_has_lost_a_connection_gets_a_new_one_though_another_is_idle(host: Host) -> None:
    host.open()
    loser = ticket()
    loser.has_lost = True
    assert host.lines.choose(loser) is None
    assert host.lines.may_open(loser)


def test_who_has_lost_a_connection_takes_what_there_is_when_no_more_may_be_opened(host: Host) -> None:
    lines = [host.open() for _ in range(4)]
    loser = ticket()
    loser.has_lost = True
    assert not host.lines.may_open(loser)
    assert host.lines.choose(loser) is lines[0]
