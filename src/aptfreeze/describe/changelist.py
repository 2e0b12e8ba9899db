# SPDX-License-Identifier: MIT
"""Changes of packages, as text and as data.

A line begins with what happened: `+` added, `-` removed or gone, `^` upgraded, `v` downgraded, `=` other bytes under
the same version. What is no visible ASCII character is percent-encoded: an index may hold anything.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from aptfreeze.describe.amounts import size_text
from aptfreeze.describe.changes import Change, ChangeKind, UsedChange
from aptfreeze.describe.visible import visible

_SIGNS = {
    ChangeKind.ADDED: "+",
    ChangeKind.REMOVED: "-",
    ChangeKind.UPGRADED: "^",
    ChangeKind.DOWNGRADED: "v",
    ChangeKind.REPLACED: "=",
}


def counts(changes: Iterable[Change | UsedChange]) -> dict[ChangeKind, int]:
    """How many of each kind, also of those that there are none of."""
    found = Counter(each.kind for each in changes)
    return {kind: found[kind] for kind in ChangeKind}


def counts_text(changes: Iterable[Change | UsedChange]) -> str:
    """`12 upgraded, 1 removed`."""
    return ", ".join(f"{number} {kind}" for kind, number in counts(changes).items() if number) or "no package differs"


def lines(changes: Iterable[Change]) -> Iterator[str]:
    """`^ hello amd64 1.0 -> 2.0 (hello)`, with the source package in parentheses."""
    for each in changes:
        source = f" ({visible(each.source)})" if each.before and each.after else ""
        yield f"{_beginning(each)}{source}"


def data(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """For `--json`."""
    return [_change_data(each) for each in changes]


def _change_data(each: Change | UsedChange) -> dict[str, Any]:
    return {
        "change": each.kind,
        "package": each.package,
        "architecture": each.architecture,
        "before": each.before,
        "after": each.after,
        "source": each.source,
        "source_version": each.source_version,
        "size": each.size,
    }


def used_lines(changes: Iterable[UsedChange]) -> Iterator[str]:
    """The same with the size, and with the suite where it is another one, or one of security updates."""
    for each in changes:
        if each.suite_after is None:
            yield f"{_beginning(each)} gone: no pinned suite has it"
            continue
        held = " archived" if each.is_held else ""
        mark = " SECURITY" if each.is_security else ""
        suite = f" from {each.suite_after}" if each.is_security or each.suite_after != each.suite_before else ""
        yield f"{_beginning(each)} ({visible(each.source)}) {size_text(each.size)}{held}{mark}{suite}"


def used_data(changes: Iterable[UsedChange]) -> list[dict[str, Any]]:
    """For `--json`."""
    return [
        {
            **_change_data(each),
            "suite_before": str(each.suite_before),
            "suite_after": None if each.suite_after is None else str(each.suite_after),
            "to_download": each.to_fetch,
            "security": each.is_security,
        }
        for each in changes
    ]


def _beginning(change: Change | UsedChange) -> str:
    versions = " -> ".join(visible(version) for version in (change.before, change.after) if version is not None)
    return f"{_SIGNS[change.kind]} {visible(change.package)} {visible(change.architecture)} {versions}"
