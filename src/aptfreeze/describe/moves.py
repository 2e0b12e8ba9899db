# SPDX-License-Identifier: MIT
"""What became of the suites and single files between two generations, as text and as data."""

from collections.abc import Iterator
from typing import Any

from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, Pin


def lines(before: Generation, after: Generation) -> Iterator[str]:
    """One for each that is another now: `mirror.example.org/debian bookworm: 2026-11-01 10:16 -> 2026-11-21 10:16`."""
    for key in sorted(before.pins.keys() | after.pins.keys()):
        was, now = before.pins.get(key), after.pins.get(key)
        if was != now:
            yield f"{key}: {state_text(was)} -> {state_text(now)}"
    yield from extra_lines(before, after)


def extra_lines(before: Generation, after: Generation) -> Iterator[str]:
    """The same of single files alone."""
    for url in sorted(before.extra.keys() | after.extra.keys()):
        if before.extra.get(url) != after.extra.get(url):
            yield f"{url}: {_digest(before.extra.get(url))} -> {_digest(after.extra.get(url))}"


def data(before: Generation, after: Generation) -> dict[str, Any]:
    """For `--json`."""
    suites = sorted(before.pins.keys() | after.pins.keys())
    return {
        "was": before.id,
        "generation": after.id,
        "created": after.created.isoformat(),
        "suites": [
            {
                "repository": key.repository,
                "suite": key.suite,
                "before": date_data(before.pins.get(key)),
                "after": date_data(after.pins.get(key)),
            }
            for key in suites
            if before.pins.get(key) != after.pins.get(key)
        ],
        "extra": extra_data(before, after),
    }


def extra_data(before: Generation, after: Generation) -> list[dict[str, Any]]:
    """The same of single files alone."""
    return [
        {"url": url, "before": _text(before.extra.get(url)), "after": _text(after.extra.get(url))}
        for url in sorted(before.extra.keys() | after.extra.keys())
        if before.extra.get(url) != after.extra.get(url)
    ]


def state_text(pin: Pin | None) -> str:
    """Which state of a suite a pin names: its date, in UTC."""
    if pin is None:
        return "not pinned"
    return f"{pin.date:%Y-%m-%d %H:%M} UTC" if pin.date else "without a date"


def _digest(digest: Digest | None) -> str:
    return "not pinned" if digest is None else digest.hex[:12]


def date_data(pin: Pin | None) -> str | None:
    """The date of a pin's state, for `--json`; None without a pin or a date."""
    return None if pin is None or pin.date is None else pin.date.isoformat()


def _text(digest: Digest | None) -> str | None:
    return None if digest is None else str(digest)
