# SPDX-License-Identifier: MIT
"""`aptfreeze diff`: which packages changed between two generations, lock files or git revisions."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from aptfreeze.describe import changelist, moves
from aptfreeze.describe.amounts import counted, size_text
from aptfreeze.describe.changes import Change, UsedChange, index_paths, suite_changes, used_changes
from aptfreeze.describe.watching import Show, fetching_of, watched
from aptfreeze.environment import machine, records, transitions
from aptfreeze.environment.known import open_archive_for
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.records import Usage
from aptfreeze.environment.states import find_state
from aptfreeze.errors import AptfreezeError, IntegrityError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.freeze.generation import Generation, Pin, SuiteKey
from aptfreeze.freeze.lockfile import state_digest
from aptfreeze.values import immutable


@immutable
class States:
    """The two that are compared."""

    before: Generation
    after: Generation


@immutable
class SuiteDifference:
    """A suite whose pin is another in the two states."""

    key: SuiteKey
    before: Pin | None
    after: Pin | None
    changes: tuple[Change, ...] = ()
    """Of a suite that only one of the two has, none is told: it would be all its packages."""
    problem: AptfreezeError | None = None
    """Why they could not be compared."""

    @property
    def is_moved(self) -> bool:
        return self.before is not None and self.after is not None


def states(opened: Opened, words: Sequence[str]) -> States:
    """What up to two words name: the second one is the current generation if missing, the first the one before it."""
    current = opened.store.load()
    before, after = [find_state(opened.store, word) for word in words] + [None, None][len(words) :]
    if before is None:
        before = transitions.previous(opened.store, current)
    return States(before, after or current)


# --- whole suites ---


def diff(opened: Opened, found: States, show: Show | None = None) -> tuple[SuiteDifference, ...]:
    """Every suite that differs. What could not be compared says so in its place; `check` raises it."""
    usage = records.load_indexes(opened.environment.records)
    architectures = records.architectures(opened.environment.records) or {machine.architecture()}
    with _looking(opened, show) as lookup:
        return tuple(
            _compared(lookup, key, found, usage, architectures)
            for key in sorted(found.before.pins.keys() | found.after.pins.keys())
            if found.before.pins.get(key) != found.after.pins.get(key)
        )


def _compared(
    lookup: Lookup, key: SuiteKey, found: States, usage: Usage, architectures: frozenset[str] | set[str]
) -> SuiteDifference:
    before, after = found.before.pins.get(key), found.after.pins.get(key)
    if before is None or after is None:
        return SuiteDifference(key, before, after)
    try:
        paths = {path: None for pin in (before, after) for path in index_paths(lookup, key, pin, usage, architectures)}
        return SuiteDifference(key, before, after, suite_changes(lookup, key, before, after, list(paths)))
    except AptfreezeError as error:
        return SuiteDifference(key, before, after, problem=error)


def check(suites: Sequence[SuiteDifference]) -> None:
    """IntegrityError if a suite could not be compared."""
    failed = {each.key: each.problem for each in suites if each.problem is not None}
    if failed:
        reasons = "; ".join(f"{key} ({error.message})" for key, error in failed.items())
        hint = next(iter(failed.values())).hint
        raise IntegrityError(f"{counted(len(failed), 'suite')} could not be compared: {reasons}", hint=hint)


def lines(found: States, suites: Sequence[SuiteDifference]) -> Iterator[str]:
    """For people."""
    yield _states_line(found)
    for each in suites:
        told = f"{each.key}: {moves.state_text(each.before)} -> {moves.state_text(each.after)}"
        if each.problem is not None:
            yield f"{told}, NOT COMPARED: {each.problem.message}"
        elif each.is_moved:
            yield f"{told}, {changelist.counts_text(each.changes)}"
        else:
            yield told
        yield from (f"  {line}" for line in changelist.lines(each.changes))
    extra = list(moves.extra_lines(found.before, found.after))
    yield from extra
    if not suites and not extra:
        yield "nothing differs"


def data(found: States, suites: Sequence[SuiteDifference]) -> dict[str, Any]:
    """For `--json`."""
    return _states_data(found) | {
        "suites": [
            {
                "repository": each.key.repository,
                "suite": each.key.suite,
                "pinned_before": each.before is not None,
                "pinned_after": each.after is not None,
                "date_before": moves.date_data(each.before),
                "date_after": moves.date_data(each.after),
                "problem": None if each.problem is None else each.problem.message,
                "counts": changelist.counts(each.changes),
                "changes": changelist.data(each.changes),
            }
            for each in suites
        ],
        "extra": moves.extra_data(found.before, found.after),
    }


# --- what builds used ---


@immutable
class UsedDifference:
    packages: int
    """So many packages were used."""
    changes: tuple[UsedChange, ...]

    @property
    def size(self) -> int:
        """In bytes, of the new files."""
        return sum(each.size for each in self.changes)

    @property
    def to_fetch(self) -> int:
        """So many bytes of them the archive does not hold."""
        return sum(each.to_fetch for each in self.changes)


def diff_used(opened: Opened, found: States, show: Show | None = None) -> UsedDifference:
    """Of the packages that runs of the first state used; IntegrityError if no run of it is recorded."""
    usage = records.load(opened.environment.records, found.before.id)
    if not usage.sessions:
        raise IntegrityError(
            f"no run of generation {found.before.id} is recorded in {opened.environment.records}",
            hint="compare whole suites, without --used; or name a generation that builds here have used: aptfreeze log",
        )
    names = {(each.name, each.architecture, each.version, each.repository, each.suite) for each in usage.packages}
    with _looking(opened, show) as lookup:
        return UsedDifference(len(names), used_changes(lookup, usage, found.before, found.after))


def used_lines(found: States, used: UsedDifference) -> Iterator[str]:
    """For people."""
    yield _states_line(found)
    yield (
        f"{counted(used.packages, 'package')} used before: {changelist.counts_text(used.changes)}; "
        f"{size_text(used.size)}, {size_text(used.to_fetch)} of it to fetch"
    )
    yield from changelist.used_lines(used.changes)


def used_data(found: States, used: UsedDifference) -> dict[str, Any]:
    """For `--json`."""
    return _states_data(found) | {
        "packages": used.packages,
        "size": used.size,
        "to_download": used.to_fetch,
        "counts": changelist.counts(used.changes),
        "changes": changelist.used_data(used.changes),
    }


# --- both ---


@contextmanager
def _looking(opened: Opened, show: Show | None) -> Iterator[Lookup]:
    with open_archive_for(opened.store, opened.settings) as archive, watched(fetching_of(archive.downloads), show):
        yield archive.lookup(offline=opened.settings.offline.value)


def _states_line(found: States) -> str:
    before, after = (f"{each.id[:12]} of {each.created:%Y-%m-%d %H:%M} UTC" for each in (found.before, found.after))
    return f"generation {before} -> {after}"


def _states_data(found: States) -> dict[str, Any]:
    return {"before": _state_data(found.before), "after": _state_data(found.after)}


def _state_data(generation: Generation) -> dict[str, Any]:
    return {
        "generation": generation.id,
        "created": generation.created.isoformat(),
        "state": str(state_digest(generation)),
    }
