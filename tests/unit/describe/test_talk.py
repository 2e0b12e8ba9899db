# SPDX-License-Identifier: MIT
"""Talk on a terminal, in a log file, and where nobody listens."""

import io
import logging

from aptfreeze.describe.progress import Line
from aptfreeze.describe.talk import Talk, TalkHandler
from support.terminal import rows_of


class Full(io.StringIO):
    """A disk that is full for a moment."""

    def __init__(self) -> None:
        super().__init__()
        self.is_full = True

    def write(self, text: str) -> int:
        if self.is_full:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_each_line_begins_with_the_name_of_the_program() -> None:
    log = io.StringIO()

    Talk(log).tell("it failed\nHint: do it again")

    assert log.getvalue() == "aptfreeze: it failed\naptfreeze: Hint: do it again\n"


def test_a_log_file_has_nothing_of_progress() -> None:
    log = io.StringIO()
    talk = Talk(log)

    talk.show(Line("1 of 3"))
    talk.tell("done")
    talk.show(None)

    assert (log.getvalue(), talk.shows_progress) == ("aptfreeze: done\n", False)


def test_progress_on_a_terminal_is_one_line_that_renews_itself_and_gives_way() -> None:
    terminal = io.StringIO()
    talk = Talk(terminal, lambda: 79)

    talk.show(Line("10 of 20"))
    talk.show(Line("9 of 9"))
    assert rows_of(terminal.getvalue()) == ["aptfreeze: 9 of 9"]
    talk.tell("done\nHint: go on")
    talk.tell("really")
    assert rows_of(terminal.getvalue()) == ["aptfreeze: done", "aptfreeze: Hint: go on", "aptfreeze: really", ""]
    assert talk.shows_progress


def test_nothing_of_it_is_left() -> None:
    terminal = io.StringIO()
    talk = Talk(terminal, lambda: 79)

    talk.show(None)
    assert terminal.getvalue() == ""  # nothing was there
    talk.show(Line("10 of 20"))
    talk.show(None)

    assert rows_of(terminal.getvalue()) == [""]


def test_it_is_never_wider_than_the_room_that_there_is_now() -> None:
    terminal = io.StringIO()
    rooms = iter([20, 0, 15])
    talk = Talk(terminal, lambda: next(rooms))

    for _ in range(3):
        talk.show(Line("10 of 20 MB"))

    assert terminal.getvalue() == "\raptfreeze: 10 of ...\x1b[K\raptfreeze: 1...\x1b[K"


def test_what_a_mirror_names_cannot_move_the_cursor() -> None:
    terminal = io.StringIO()

    Talk(terminal, lambda: 79).show(Line("1 MB", ("a\x1b[2Jb\n\u0430.deb",)))

    assert rows_of(terminal.getvalue()) == ["aptfreeze: 1 MB: a?[2Jb??.deb"]


def test_what_a_mirror_says_is_no_command_for_the_terminal() -> None:
    terminal = io.StringIO()

    Talk(terminal).tell("503 \x1b]0;owned\x07 \x9b2J \u202egpj \x85ok: M\u00fcller\tx \udcff")

    assert terminal.getvalue() == "aptfreeze: 503 ?]0;owned? ?2J ?gpj ?ok: M\u00fcller\tx \udcff\n"


def test_what_cannot_be_told_is_given_up_for_good() -> None:
    full = Full()
    talk = Talk(full)

    talk.tell("lost")
    full.is_full = False
    talk.tell("lost too")

    assert (talk.is_given_up, full.getvalue(), repr(talk)) == (True, "", "<Talk given up>")


def test_a_closed_stream_is_no_error() -> None:
    closed = io.StringIO()
    closed.close()
    talk = Talk(closed)

    talk.tell("lost")

    assert talk.is_given_up


def test_without_stderr_nothing_is_told() -> None:
    talk = Talk(None, lambda: 79)

    talk.show(Line("1 of 3"))
    talk.tell("lost")

    assert talk.is_given_up


def test_log_records_are_talk() -> None:
    log = io.StringIO()
    handler = TalkHandler(Talk(log))

    handler.handle(logging.makeLogRecord({"msg": "%s was changed", "args": ("aptfreeze.lock",), "levelno": 30}))

    assert log.getvalue() == "aptfreeze: aptfreeze.lock was changed\n"
