# SPDX-License-Identifier: MIT
"""The states that suites would be moved to: fetched and verified whole before anything moves.

Rule 1: nobody asks for indexes meanwhile, so all that this environment has used are fetched, Sources included. One
that cannot be had, and nothing moves at all.
Rule 2: this module prepares; that a suite moves is `transitions`' affair (compare and swap).
Rule 3: as at the first pin, the clock and the signatures count now, and never again.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import field
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from aptfreeze.deb.paths import quoted
from aptfreeze.environment import continuity, used
from aptfreeze.environment.continuity import Accepted
from aptfreeze.environment.pinning import Candidate, Pinning
from aptfreeze.environment.records import Usage
from aptfreeze.errors import AptfreezeError, RefusedError, UpstreamError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import BarePackages, Generation, Pin, SuiteKey
from aptfreeze.freeze.lockfile import rival
from aptfreeze.freeze.outcome import index_name
from aptfreeze.values import immutable

_AT_ONCE = 8
T = TypeVar("T")


@immutable
class SuiteMove:
    """One suite's next state, all of whose used indexes are in the archive."""

    key: SuiteKey
    before: Pin
    after: Pin
    paths: tuple[str, ...]
    """The Packages indexes that builds here use, as far as the new Release lists them."""
    remark: str
    """By which right it was let in, and how old it is."""


@immutable
class Prepared:
    """What a command would move, and what it has to tell about it."""

    suites: tuple[SuiteMove, ...] = ()
    """Those that have something new."""
    extra: Mapping[str, tuple[Digest, Digest]] = field(default_factory=dict)
    """By url, the digest before and after; those that have something new."""
    unchanged: tuple[SuiteKey, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def is_new(self) -> bool:
        return bool(self.suites or self.extra)


class Finds(Protocol):
    """Where the next state of a suite comes from."""

    def __call__(self, key: SuiteKey, pin: Pin) -> Candidate: ...


@immutable
class Means:
    """What an update works with."""

    lookup: Lookup
    pinning: Pinning
    usage: Usage
    """Of all sessions of the environment."""
    architecture: str
    """Of this machine, for suites that no session has asked for."""
    with_sources: bool
    accepted: Accepted
    find: Finds


def newest(pinning: Pinning, key: SuiteKey, pin: Pin) -> Candidate:
    """The mirrors' present state."""
    return pinning.candidate(key, pin.root.file if isinstance(pin.root, BarePackages) else "InRelease")


def dated(lookup: Lookup, pinning: Pinning, at: datetime, key: SuiteKey, pin: Pin) -> Candidate:
    """The state at a time, from the snapshot service."""
    try:
        origin = None if isinstance(pin.root, BarePackages) else lookup.release(key, pin).origin
    except AptfreezeError:  # nobody has the pinned Release any more; its repository's name may tell as much
        origin = None
    return pinning.dated(key, at, origin)


def prepare(means: Means, generation: Generation, keys: Sequence[SuiteKey], urls: Sequence[str]) -> Prepared:
    """What these suites and single files of the generation would be moved to; blocks, for as long as it takes.

    RefusedError, UpstreamError, IntegrityError for what cannot be verified whole: then nothing may move.
    """
    with ThreadPoolExecutor(_AT_ONCE, "update") as threads, _let_go(means.lookup):
        new = _new_states(means, threads, {key: generation.pins[key] for key in keys})
        _refuse_rivals(generation.pins, new)
        paths = {key: _paths(means, key, found) for key, found in new.items()}
        wanted = [(key, path) for key, each in paths.items() for path in each.all]
        _all(threads, [partial(_complete, means, key, new[key].pin, path) for key, path in wanted])
        fetched = _all(threads, [partial(means.pinning.single, quoted(url)) for url in urls])
    moves = [
        SuiteMove(key, generation.pins[key], found.pin, tuple(paths[key].packages), found.remark)
        for key, found in new.items()
    ]
    pairs = {url: (generation.extra[url], digest) for url, digest in zip(urls, fetched, strict=True)}
    return Prepared(
        suites=tuple(moves),
        extra={url: pair for url, pair in pairs.items() if pair[0] != pair[1]},
        unchanged=tuple(key for key in keys if key not in new),
        notices=tuple(_notices(means, generation, moves, paths)),
    )


@contextmanager
def _let_go(lookup: Lookup) -> Iterator[None]:
    """Ctrl-C must not wait for threads that wait for a mirror."""
    try:
        yield
    except KeyboardInterrupt:
        lookup.downloads.close()
        raise


def _new_states(means: Means, threads: Executor, pins: Mapping[SuiteKey, Pin]) -> dict[SuiteKey, Candidate]:
    """Of those suites that have one; each may follow the pinned one."""
    found = _all(threads, [partial(means.find, key, pin) for key, pin in pins.items()])
    new = {key: each for key, each in zip(pins, found, strict=True) if each.pin.root != pins[key].root}
    for key, each in new.items():
        continuity.check(key, pins[key], each.pin, means.accepted)
    return new


def _refuse_rivals(pins: Mapping[SuiteKey, Pin], new: Mapping[SuiteKey, Candidate]) -> None:
    """RefusedError if a suite has become one that is pinned under another name: the lock file must not say both."""
    after = {**pins, **{key: each.pin for key, each in new.items()}}
    for key, each in new.items():
        if (other := rival({k: pin for k, pin in after.items() if k != key}, key, each.pin)) is not None:
            raise RefusedError(
                f"{key} is {each.pin.codename or each.pin.suite} now, and that is pinned already, as {other}: one "
                "suite would be pinned under two names",
                hint=f'aptfreeze reset "{key}", then aptfreeze update: the other pin answers both names from then on',
            )


def _all(threads: Executor, calls: Iterable[Callable[[], T]]) -> list[T]:
    """The results in order; the first failure, once all have ended."""
    futures = [threads.submit(call) for call in calls]
    for error in [future.exception() for future in futures]:
        if error is not None:
            raise error
    return [future.result() for future in futures]


# --- indexes ---


@immutable
class _Paths:
    """The indexes of a suite that its new state must have."""

    packages: list[str]
    sources: list[str]
    gone: list[str]
    """Used before, and not listed any more."""

    @property
    def all(self) -> list[str]:
        return [*self.packages, *self.sources]


def _paths(means: Means, key: SuiteKey, found: Candidate) -> _Paths:
    if isinstance(found.pin.root, BarePackages) or found.release is None:
        return _Paths([found.pin.root.file] if isinstance(found.pin.root, BarePackages) else [], [], [])
    asked = used.asked_paths(means.usage, key) or used.first_paths(found.release, means.architecture)
    listed = [path for path in asked if found.release.variants(path)]
    sources = used.sources_paths(found.pin, listed) if means.with_sources else []
    return _Paths(
        listed,
        [path for path in sources if found.release.variants(path)],
        [path for path in asked if path not in listed],
    )


def _complete(means: Means, key: SuiteKey, pin: Pin, path: str) -> None:
    """Have an index of a new state in the archive, that of binary packages with its look-up table."""
    forms = means.lookup.forms(key, pin, path)
    try:
        means.lookup.have_index(key, forms)
        if path.rpartition("/")[2] != "Sources":
            means.lookup.index(key, forms, is_source=False, may_fetch=True)
    except UpstreamError as error:
        raise UpstreamError(
            f"{path} of the new state of {key} cannot be had, so nothing was moved: {error.message}",
            hint="the mirror may be in the middle of an update: try again in a minute, or add another one to [mirrors]",
        ) from error


# --- what there is to tell ---


def _notices(
    means: Means, generation: Generation, moves: Sequence[SuiteMove], paths: Mapping[SuiteKey, _Paths]
) -> Iterator[str]:
    for move in moves:
        if gone := paths[move.key].gone:
            yield f"the new state of {move.key} lists no {', '.join(gone)} any more, which builds here used"
        if notice := continuity.alias_notice(move.key, move.after):
            yield notice
    yield from _republished(means, generation, moves)


def _republished(means: Means, generation: Generation, moves: Sequence[SuiteMove]) -> Iterator[str]:
    """One file name with other bytes than before, or than in another suite of the same repository."""
    after = {**generation.pins, **{move.key: move.after for move in moves}}
    for move in moves:
        mine = _tables(means, move.key, move.after, move.paths)
        before = _tables(means, move.key, move.before, move.paths)
        yield from _clash(means, mine, before, f"the new state of {move.key}", f"its state of {_day(move.before.date)}")
        for key, pin in after.items():
            if key.repository == move.key.repository and key != move.key:
                its = _tables(means, key, pin, used.asked_paths(means.usage, key))
                yield from _clash(means, mine, its, f"the new state of {move.key}", str(key))


def _clash(means: Means, mine: Collection[Digest], its: Collection[Digest], one: str, other: str) -> Iterator[str]:
    found = [means.lookup.indexes.clashes(a, b) for a in mine for b in its if a != b]
    if count := sum(each for each, _ in found):
        path = min(path for _, path in found if path)
        more = f" (and {count - 1} more)" if count > 1 else ""
        yield f"republished: {path}{more} has other bytes in {one} than in {other}, under the same name and version"


def _tables(means: Means, key: SuiteKey, pin: Pin, paths: Sequence[str]) -> list[Digest]:
    """The names of the look-up tables at hand."""
    try:
        names = [index_name(forms) for path in paths if (forms := means.lookup.forms(key, pin, path))]
    except AptfreezeError:
        return []  # the old Release is not in this archive: nothing can be compared
    return [name for name in names if means.lookup.indexes.is_made(name)]


def _day(date: datetime | None) -> str:
    return f"{date:%Y-%m-%d %H:%M} UTC" if date else "before"
