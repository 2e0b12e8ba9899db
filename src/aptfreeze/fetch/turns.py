# SPDX-License-Identifier: MIT
"""Suppliers one after another, and those that failed in passing again after a pause.

Rule 1: the next supplier is better than waiting: one pauses only when each of them was tried.
Rule 2: "it does not exist" is said only if every single supplier has said so.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from aptfreeze.errors import MissingUpstreamError, UpstreamError
from aptfreeze.fetch.failures import ClosingError, ForgoneError, PassingError
from aptfreeze.settings import FetchSettings

S = TypeVar("S")
T = TypeVar("T")

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0


def in_turn(
    what: str,
    suppliers: Sequence[S],
    attempt: Callable[[S], T],
    *,
    name: Callable[[S], str],
    settings: FetchSettings,
    pause: Callable[[float], None],
    is_down: Callable[[S], bool],
) -> T:
    """The result of the first attempt that succeeds.

    `attempt` raises what `failures` describes; anything else ends it all. `suppliers` may grow meanwhile. Those that
    are down are asked after the others. UpstreamError (MissingUpstreamError) names every failure.
    """
    failures: dict[S, UpstreamError] = {}
    given_up: set[S] = set()
    for number in range(settings.retries + 1):
        if number:
            pause(_pause_s(number, [error for each, error in failures.items() if each not in given_up]))
        tried: set[S] = set()
        while rest := [each for each in suppliers if each not in given_up and each not in tried]:
            supplier = min(rest, key=is_down)  # the first of equals
            tried.add(supplier)
            try:
                return attempt(supplier)
            except (ClosingError, ForgoneError):
                raise
            except UpstreamError as error:
                failures[supplier] = error
                if not isinstance(error, PassingError) or error.after_s > settings.retry_after_limit_s:
                    given_up.add(supplier)
        if given_up.issuperset(suppliers):
            break
    raise summary(what, {name(supplier): error for supplier, error in failures.items()})


def _pause_s(number: int, failures: Sequence[UpstreamError]) -> float:
    """Until the first of the suppliers is worth another attempt: its Retry-After, else longer each time."""
    backoff = min(_FIRST_PAUSE_S * 4.0 ** (number - 1), _LONGEST_PAUSE_S)
    waits = [max(backoff, failure.after_s) for failure in failures if isinstance(failure, PassingError)]
    return min(waits, default=backoff)


def summary(what: str, failures: Mapping[str, UpstreamError]) -> UpstreamError:
    """One error that holds what each supplier said."""
    if not failures:
        return UpstreamError(f"{what} is not in the archive, and no mirror is known that has it")
    said = "; ".join(f"{name}: {failure.message}" for name, failure in failures.items())
    if all(isinstance(failure, MissingUpstreamError) for failure in failures.values()):
        return MissingUpstreamError(f"no mirror has {what}: {said}")
    return UpstreamError(f"no mirror could deliver {what}: {said}")
