# SPDX-License-Identifier: MIT
"""Talk on a terminal, in a log file, and where nobody listens."""

import io
import logging

from aptfreeze.describe.talk import Talk, TalkHandler


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


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


def test_progress_in_a_log_file_is_one_line_for_each_wait() -> None:
    log = io.StringIO()
    talk = Talk(log)

    talk.progress("1 of 3")
    talk.progress("2 of 3")
    talk.tell("done")
    talk.progress("1 of 9")

    assert log.getvalue() == "aptfreeze: 1 of 3\naptfreeze: done\naptfreeze: 1 of 9\n"


def test_progress_on_a_terminal_is_one_line_that_renews_itself() -> None:
    terminal = Terminal()
    talk = Talk(terminal)

    talk.progress("10 of 20")
    talk.progress("20 of 20")
    talk.tell("done")
    talk.tell("really")

    assert terminal.getvalue() == (
        "\r\x1b[Kaptfreeze: 10 of 20\r\x1b[Kaptfreeze: 20 of 20\r\x1b[Kaptfreeze: done\naptfreeze: really\n"
    )


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
    talk = Talk(None)

    talk.progress("1 of 3")
    talk.tell("lost")

    assert talk.is_given_up


def test_log_records_are_talk() -> None:
    log = io.StringIO()
    handler = TalkHandler(Talk(log))

    handler.handle(logging.makeLogRecord({"msg": "%s was changed", "args": ("aptfreeze.lock",), "levelno": 30}))

    assert log.getvalue() == "aptfreeze: aptfreeze.lock was changed\n"
