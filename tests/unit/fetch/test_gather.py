# SPDX-License-Identifier: MIT
"""Many downloads that one thread waits for."""

import signal
import threading

import pytest

from aptfreeze.archive.growth import Growth
from aptfreeze.errors import IntegrityError, MissingUpstreamError, OfflineError
from aptfreeze.fetch.failures import ReplacedError
from aptfreeze.fetch.gather import gather
from aptfreeze.freeze.digest import Digest

DIGEST = Digest.of(b"")


class Source:
    """Begins growths that end by what `ends` says of each attempt: None is whole."""

    def __init__(self, ends: dict[str, list[Exception | None]]) -> None:
        self.begun: list[str] = []
        self.most = 0
        self._ends = ends
        self._running: set[str] = set()

    def begin(self, name: str) -> Growth:
        self.begun.append(name)
        self._running.add(name)
        self.most = max(self.most, len(self._running))
        growth, end = Growth(0), self._ends.get(name, [None]).pop(0)
        threading.Thread(target=self._end, args=(name, growth, end)).start()
        return growth

    def _end(self, name: str, growth: Growth, end: Exception | None) -> None:
        self._running.discard(name)
        if end is None:
            growth.complete(DIGEST, 0)
        else:
            growth.fail(end)  # type: ignore[arg-type]  # the tests give none but ours


def gathered(source: Source, *names: str, at_once: int = 3) -> dict[str, object]:
    return dict(gather(names, source.begin, at_once))


def test_each_is_told_with_its_error() -> None:
    gone = MissingUpstreamError("404")
    source = Source({"b": [gone]})

    assert gathered(source, "a", "b", "c", "d") == {"a": None, "b": gone, "c": None, "d": None}
    assert sorted(source.begun) == ["a", "b", "c", "d"]


def test_no_more_than_so_many_at_once() -> None:
    source = Source({})

    assert len(gathered(source, *map(str, range(50)), at_once=2)) == 50
    assert source.most <= 2


def test_what_cannot_be_begun_has_failed() -> None:
    def begin(name: str) -> Growth:
        raise OfflineError(name)

    [(name, error)] = gather(["a"], begin, 1)
    assert (name, str(error)) == ("a", "a")


def test_replaced_bytes_are_joined_again_and_a_damaged_object_once() -> None:
    damaged = IntegrityError("damaged")
    source = Source({"a": [ReplacedError(""), ReplacedError(""), None], "b": [damaged, None], "c": [damaged, damaged]})

    assert gathered(source, "a", "b", "c") == {"a": None, "b": None, "c": damaged}
    assert sorted(source.begun) == ["a"] * 3 + ["b"] * 2 + ["c"] * 2


def test_two_that_join_one_download_are_both_told() -> None:
    growth = Growth(0)
    growth.complete(DIGEST, 0)

    assert list(gather(["a", "a"], lambda name: growth, 2)) == [("a", None), ("a", None)]


def test_an_interrupt_comes_out() -> None:
    growth = Growth(0)
    main = threading.get_ident()
    threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT)).start()

    with pytest.raises(KeyboardInterrupt):
        list(gather(["a"], lambda name: growth, 1))
