# SPDX-License-Identifier: MIT
"""Suppliers one after another, and those that failed in passing again after a pause.

Rule 1: the next supplier is better than waiting: one pauses only when each of them was tried.
Rule 2: "it does not exist" is said only if every single supplier has said so.
Rule 3: a last resort is spared: it is asked when the others have not got the file or cannot be reached, and when what
hinders one of them in passing did not pass; and it gets time, too, before it is asked for the same in another way.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from typing import TypeVar

from aptfreeze.errors import MissingUpstreamError, UpstreamError
from aptfreeze.fetch.failures import ClosingError, ForgoneError, NoPlaceError, PassingError, UnreachableError
from aptfreeze.settings import FetchSettings

S = TypeVar("S")
T = TypeVar("T")

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0


class Standing(IntEnum):
    """How good it is to ask a supplier at the moment; the lowest is asked first."""

    GOOD = 0
    RESTING = 1
    """It asked to be left alone (Retry-After); who asks it waits that long."""
    LAST_RESORT = 2
    AWAY = 3
    """It could not be reached a moment ago."""


def in_turn(
    what: str,
    suppliers: Sequence[S],
    attempt: Callable[[S], T],
    *,
    name: Callable[[S], str],
    settings: FetchSettings,
    pause: Callable[[float], None],
    standing: Callable[[S], Standing],
) -> T:
    """The result of the first attempt that succeeds.

    `attempt` raises what `failures` describes; anything else ends it all. `suppliers` may grow meanwhile.
    UpstreamError (MissingUpstreamError) names every failure.
    """
    failures: dict[S, UpstreamError] = {}
    given_up: set[S] = set()
    for number in range(settings.retries + 1):
        if number:
            pause(_pause_s(number, [error for each, error in failures.items() if each not in given_up]))
        tried: set[S] = set()
        while rest := [each for each in suppliers if each not in given_up and each not in tried]:
            supplier = min(rest, key=standing)  # the first of equals
            is_last_resort = standing(supplier) is Standing.LAST_RESORT
            if is_last_resort and number < settings.retries and _may_pass(failures, tried - given_up):
                break
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


def _may_pass(failures: Mapping[S, UpstreamError], tried: Iterable[S]) -> bool:
    """Whether what hindered one of the suppliers is worth waiting for; whether a host comes back is not."""
    return any(not isinstance(failures[each], UnreachableError) for each in tried)


def _pause_s(number: int, failures: Sequence[UpstreamError]) -> float:
    """Until the first of the suppliers is worth another attempt: its Retry-After, else longer each time."""
    backoff = min(_FIRST_PAUSE_S * 4.0 ** (number - 1), _LONGEST_PAUSE_S)
    waits = [max(backoff, failure.after_s) for failure in failures if isinstance(failure, PassingError)]
    return min(waits, default=backoff)


def summary(what: str, failures: Mapping[str, UpstreamError]) -> UpstreamError:
    """One error that holds what each supplier said."""
    if not failures:
        return UpstreamError(f"{what} is not in the archive, and no mirror is known that has it")
    hint = "; ".join(dict.fromkeys(failure.hint for failure in failures.values() if failure.hint)) or None
    said = "; ".join(
        f"{name}: {failure.message}" for name, failure in failures.items() if not isinstance(failure, NoPlaceError)
    )
    if all(isinstance(failure, MissingUpstreamError) for failure in failures.values()):
        return MissingUpstreamError(f"no mirror has {what}: {said}", hint=hint)
    return UpstreamError(f"no mirror could deliver {what}: {said}", hint=hint)
