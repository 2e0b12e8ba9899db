# SPDX-License-Identifier: MIT
"""An update for people and for programs: what builds would get, and how far each suite moves."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from aptfreeze.describe import changelist
from aptfreeze.describe.amounts import counted, size_text
from aptfreeze.describe.changelogs import Changelog
from aptfreeze.describe.changes import Change, ChangeKind, UsedChange
from aptfreeze.describe.visible import printable
from aptfreeze.environment.updating import SuiteMove
from aptfreeze.freeze.generation import Pin


def used_lines(used: Sequence[UsedChange], used_by: str = "") -> Iterator[str]:
    """The packages that builds were served (those of the generation `used_by`), a line each, and what they cost."""
    builds = f"the builds of generation {used_by[:12]}" if used_by else "builds here"
    if not used:
        yield f"no package that {builds} used is another one now"
        return
    size, to_fetch = sum(each.size for each in used), sum(each.to_fetch for each in used)
    packages = f"{counted(len(used), 'package')} that {builds} used"
    yield f"{packages} changed, {size_text(size)}, {size_text(to_fetch)} to download:"
    yield from (f"  {line}" for line in changelist.used_lines(used))


def changelog_lines(changelogs: Sequence[Changelog]) -> Iterator[str]:
    for each in changelogs:
        yield ""
        yield printable(f"--- {each.source} {each.version} ({', '.join(each.packages)})")
        yield from map(printable, each.text.splitlines())  # whatever a packager wrote must not reach the terminal


def suite_line(move: SuiteMove, changes: Sequence[Change] | None, *, is_security: bool) -> str:
    """`mirror.example.org/debian bookworm: 2026-11-01 10:16 -> 2026-11-21 10:16 UTC, 12 packages changed (...)`.

    `changes` None: nobody can tell.
    """
    told = "changes unknown (nobody has the old indexes)" if changes is None else _counts_text(changes)
    dates = f"{_date_text(move.before)} -> {_date_text(move.after)}"
    return f"{move.key}{' (security)' if is_security else ''}: {dates}, {told}; {move.remark}"


def _counts_text(changes: Sequence[Change]) -> str:
    kinds = Counter(each.kind for each in changes)
    parts = ", ".join(f"{kinds[kind]} {kind}" for kind in ChangeKind if kinds[kind])
    return f"{counted(len(changes), 'package')} changed" + (f" ({parts})" if parts else "")


def _date_text(pin: Pin) -> str:
    return f"{pin.date:%Y-%m-%d %H:%M} UTC" if pin.date else "without a date"


def suite_data(move: SuiteMove, changes: Sequence[Change] | None, *, is_security: bool) -> dict[str, Any]:
    kinds = Counter(each.kind for each in changes or ())
    return {
        "repository": move.key.repository,
        "suite": move.key.suite,
        "before": move.before.date.isoformat() if move.before.date else None,
        "after": move.after.date.isoformat() if move.after.date else None,
        "codename": move.after.codename,
        "signers": list(move.after.signers),
        "security": is_security,
        **{str(kind): None if changes is None else kinds[kind] for kind in ChangeKind},
    }


def changelog_data(each: Changelog) -> dict[str, Any]:
    return {"source": each.source, "version": each.version, "packages": list(each.packages), "text": each.text}
