# SPDX-License-Identifier: MIT
"""Suppliers in turn: who is asked when, and what is said in the end."""

from collections.abc import Callable, Iterator

import pytest

from aptfreeze.errors import AptfreezeError, MissingUpstreamError, UpstreamError
from aptfreeze.fetch.failures import (
    ClosingError,
    ForgoneError,
    NoPlaceError,
    PassingError,
    UnreachableError,
    WrongBytesError,
)
from aptfreeze.fetch.turns import Standing, in_turn
from aptfreeze.settings import FetchSettings

Script = dict[str, list[AptfreezeError | str]]


class Play:
    """Suppliers that do what the script says, the last of it for ever."""

    def __init__(self, script: Script, **standing: Standing) -> None:
        self.script = script
        self.suppliers = list(script)
        self.standing = standing
        self.asked: list[str] = []
        self.pauses: list[float] = []
        self.on_ask: Callable[[str], None] = lambda supplier: None

    def attempt(self, supplier: str) -> str:
        self.asked.append(supplier)
        self.on_ask(supplier)
        lines = self.script[supplier]
        line = lines.pop(0) if len(lines) > 1 else lines[0]
        if isinstance(line, AptfreezeError):
            raise line
        return line

    def run(self, retries: int = 2) -> str:
        return in_turn(
            "the file",
            self.suppliers,
            self.attempt,
            name=str,
            settings=FetchSettings(retries=retries, retry_after_limit_s=20),
            pause=self.pauses.append,
            standing=lambda supplier: self.standing.get(supplier, Standing.GOOD),
        )


BUSY = PassingError("busy")
MISSING = MissingUpstreamError("404")


def test_the_next_one_is_tried_before_anybody_is_waited_for() -> None:
    play = Play({"a": [BUSY], "b": ["bytes"]})
    assert play.run() == "bytes"
    assert (play.asked, play.pauses) == (["a", "b"], [])


def test_passing_failures_are_tried_again_after_longer_and_longer_pauses() -> None:
    play = Play({"a": [BUSY, BUSY, BUSY, "bytes"]})
    assert play.run(retries=3) == "bytes"
    assert play.pauses == [0.2, 0.8, 3.2]


def test_lasting_failures_are_not_tried_again() -> None:
    play = Play({"a": [MISSING], "b": [WrongBytesError("other bytes")], "c": [UpstreamError("403")], "d": [BUSY]})
    with pytest.raises(UpstreamError, match=r"a: 404; b: other bytes; c: 403; d: busy"):
        play.run()
    assert play.asked == ["a", "b", "c", "d", "d", "d"]


def test_retry_after_is_kept_but_not_for_ever() -> None:
    play = Play({"a": [PassingError("busy", after_s=5), "bytes"], "b": [PassingError("busy", after_s=21), "bytes"]})
    assert play.run() == "bytes"
    assert (play.asked, play.pauses) == (["a", "b", "a"], [5])


def test_who_rests_is_asked_late_and_who_is_away_last() -> None:
    play = Play({"a": ["bytes"], "b": [MISSING], "c": [MISSING]}, a=Standing.AWAY, b=Standing.RESTING)
    assert play.run() == "bytes"
    assert play.asked == ["c", "b", "a"]


def test_suppliers_that_come_in_the_middle_are_asked_too() -> None:
    play = Play({"a": [MISSING], "late": ["bytes"]})
    play.suppliers.remove("late")
    play.on_ask = lambda supplier: None if "late" in play.suppliers else play.suppliers.append("late")
    assert play.run() == "bytes"


class _Joined(list[str]):
    """Another thread adds a supplier just when all were tried, before the pause."""

    looks = 0

    def __iter__(self) -> Iterator[str]:
        self.looks += 1
        if self.looks == 4:
            self.append("late")
        return super().__iter__()


def test_a_supplier_that_comes_before_a_pause_is_asked_after_it() -> None:
    play = Play({"a": [BUSY], "late": ["bytes"]})
    play.suppliers = _Joined(["a"])
    assert play.run() == "bytes"
    assert "late" in play.asked


def test_missing_is_said_only_by_all() -> None:
    with pytest.raises(MissingUpstreamError):
        Play({"a": [MISSING], "b": [MISSING]}).run()
    with pytest.raises(UpstreamError) as caught:
        Play({"a": [MISSING], "b": [BUSY, MISSING]}).run(retries=0)
    assert not isinstance(caught.value, MissingUpstreamError)


@pytest.mark.parametrize("error", [MISSING, WrongBytesError("other bytes"), UnreachableError("no route")])
def test_a_last_resort_is_asked_at_once_when_the_others_are_no_good(error: UpstreamError) -> None:
    play = Play({"last": ["bytes"], "a": [error]}, last=Standing.LAST_RESORT)
    assert play.run() == "bytes"
    assert (play.asked, play.pauses) == (["a", "last"], [])


def test_a_last_resort_is_asked_before_who_was_away_a_moment_ago() -> None:
    play = Play({"a": [UnreachableError("no route")], "last": ["bytes"]}, a=Standing.AWAY, last=Standing.LAST_RESORT)
    assert play.run() == "bytes"
    assert play.asked == ["last"]


def test_a_last_resort_is_spared_while_another_one_may_do() -> None:
    play = Play({"last": [MISSING], "a": [BUSY, BUSY, "bytes"], "b": [MISSING]}, last=Standing.LAST_RESORT)
    assert play.run() == "bytes"
    assert play.asked == ["a", "b", "a", "a"]


def test_a_last_resort_is_asked_when_waiting_did_not_help() -> None:
    play = Play({"last": ["bytes"], "a": [BUSY]}, last=Standing.LAST_RESORT)
    assert play.run() == "bytes"
    assert play.asked == ["a", "a", "a", "last"]


def test_a_last_resort_gets_time_before_it_is_asked_in_another_way() -> None:
    last = Standing.LAST_RESORT
    play = Play({"a": [MISSING], "x": [PassingError("429", after_s=3), "bytes"], "y": ["other"]}, x=last, y=last)
    assert play.run() == "bytes"
    assert (play.asked, play.pauses) == (["a", "x", "x"], [3])


def test_a_place_that_there_is_not_is_not_told() -> None:
    play = Play({"a": [MISSING], "b1": [MissingUpstreamError("none")], "b2": [NoPlaceError("none")]})
    with pytest.raises(MissingUpstreamError, match=r"a: 404; b1: none$"):
        play.run()


@pytest.mark.parametrize("error", [ClosingError("closing"), ForgoneError("forgone"), AptfreezeError("full")])
def test_what_is_no_suppliers_fault_ends_it(error: AptfreezeError) -> None:
    play = Play({"a": [error], "b": ["bytes"]})
    with pytest.raises(type(error)):
        play.run()
    assert play.asked == ["a"]


def test_what_helps_is_told_once() -> None:
    refused = [UpstreamError(f"{name} is not trusted", hint="name its CA") for name in "ab"]
    with pytest.raises(UpstreamError, match="b is not trusted") as caught:
        Play({"a": [refused[0]], "b": [refused[1]], "c": [MISSING]}).run()
    assert caught.value.hint == "name its CA"
