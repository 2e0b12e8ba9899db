# SPDX-License-Identifier: MIT
"""`aptfreeze log`: the generations of an environment, when and by which command each became current, what moved."""

from collections.abc import Iterator, Sequence
from typing import Any

from aptfreeze.environment import log
from aptfreeze.environment.log import Event, EventKind
from aptfreeze.environment.opened import Opened
from aptfreeze.values import immutable

_BEGINNINGS = frozenset(
    {
        EventKind.CREATED,
        EventKind.FOUND,
        EventKind.NEW_ID,
        EventKind.UPDATED,
        EventKind.RESET,
        EventKind.ROLLED_BACK,
    }
)
_WITHIN = frozenset({EventKind.MOVED, EventKind.COMMITTED, EventKind.EXTRA, EventKind.CHANGED})


@immutable
class Entry:
    """One generation's time of being the current one."""

    beginning: Event
    within: tuple[Event, ...]
    """What was moved by it, and what was added to it since."""
    is_current: bool


def entries(opened: Opened) -> tuple[Entry, ...]:
    """The newest first."""
    current = opened.store.load()
    found: list[tuple[Event, list[Event]]] = []
    for event in log.read(opened.environment.log):
        if event.kind in _BEGINNINGS:
            found.append((event, []))
        elif event.kind in _WITHIN:
            own = next((within for first, within in reversed(found) if first.generation == event.generation), None)
            if own is not None:
                own.append(event)
    last = next((n for n in reversed(range(len(found))) if found[n][0].generation == current.id), None)
    return tuple(Entry(event, tuple(within), n == last) for n, (event, within) in reversed([*enumerate(found)]))


def lines(found: Sequence[Entry]) -> Iterator[str]:
    """For people."""
    for number, entry in enumerate(found):
        event = entry.beginning
        if number:
            yield ""
        yield f"generation {event.generation}{' (current)' if entry.is_current else ''}"
        detail = f", {event.detail}" if event.detail else ""
        yield f"  {event.at:%Y-%m-%d %H:%M} {event.kind} by {event.by}{detail}"
        for each in entry.within:
            if each.kind is EventKind.MOVED:
                yield f"    {each.what}: {each.detail}"
            else:
                told = " ".join(part for part in (each.what, each.detail) if part)
                yield f"    {each.at:%Y-%m-%d %H:%M} {_ADDED.get(each.kind, each.kind)} {told}"


_ADDED = {EventKind.COMMITTED: "pinned", EventKind.EXTRA: "pinned the single file"}


def data(found: Sequence[Entry]) -> dict[str, Any]:
    """For `--json`."""
    return {
        "generations": [
            {
                "generation": entry.beginning.generation,
                "current": entry.is_current,
                "at": entry.beginning.at.isoformat(),
                "event": entry.beginning.kind,
                "by": entry.beginning.by,
                "detail": entry.beginning.detail,
                "what_moved": [
                    {"at": each.at.isoformat(), "event": each.kind, "what": each.what, "detail": each.detail}
                    for each in entry.within
                ],
            }
            for entry in found
        ]
    }
