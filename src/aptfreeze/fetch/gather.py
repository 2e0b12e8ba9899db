# SPDX-License-Identifier: MIT
"""Many downloads that one thread waits for: so many at once as the settings allow, each told when it has ended.

Rule: an interrupt (Ctrl-C) comes out of the waiting at once; what has come until then is in the archive, or is a
partial file that the next download goes on with.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Generic, TypeVar

from aptfreeze.archive.growth import Growth, GrowthState
from aptfreeze.errors import AptfreezeError, IntegrityError
from aptfreeze.fetch.failures import ReplacedError
from aptfreeze.values import immutable

T = TypeVar("T")


def gather(
    wanted: Iterable[T], begin: Callable[[T], Growth], at_once: int
) -> Iterator[tuple[T, AptfreezeError | None]]:
    """Each of `wanted` as it ends, with the error that it failed with.

    `begin` joins its download; what that raises counts as its failure.
    """
    left = deque(_Ordered(item) for item in wanted)
    running: list[tuple[Growth, _Ordered[T]]] = []
    changed = threading.Event()
    while left or running:
        while left and len(running) < at_once:
            ordered = left.popleft()
            try:
                growth = begin(ordered.item)
            except AptfreezeError as error:
                yield ordered.item, error
                continue
            growth.subscribe(partial(_tell_end, growth, changed))
            running.append((growth, ordered))
        ended = [each for each in running if each[0].state is not GrowthState.GROWING]
        if running and not ended:
            changed.wait()
            changed.clear()
        running = [each for each in running if each not in ended]
        for growth, ordered in ended:
            if again := _again(growth, ordered):
                left.appendleft(again)
            else:
                yield ordered.item, growth.error


@immutable
class _Ordered(Generic[T]):
    item: T
    was_damaged: bool = False
    """Whether the archive had it, and it turned out to be no good: it is fetched then."""


def _again(growth: Growth, ordered: _Ordered[T]) -> _Ordered[T] | None:
    """What is worth another attempt: right bytes are on their way, or a damaged object was put away."""
    if isinstance(growth.error, ReplacedError):
        return ordered
    if isinstance(growth.error, IntegrityError) and not ordered.was_damaged:
        return _Ordered(ordered.item, was_damaged=True)
    return None


def _tell_end(growth: Growth, changed: threading.Event) -> None:
    if growth.state is not GrowthState.GROWING:
        changed.set()
