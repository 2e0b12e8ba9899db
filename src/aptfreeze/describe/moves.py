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
            yield f"{key}: {_state(was)} -> {_state(now)}"
    for url in sorted(before.extra.keys() | after.extra.keys()):
        if before.extra.get(url) != after.extra.get(url):
            yield f"{url}: {_digest(before.extra.get(url))} -> {_digest(after.extra.get(url))}"


def data(before: Generation, after: Generation) -> dict[str, Any]:
    """For `--json`."""
    suites = sorted(before.pins.keys() | after.pins.keys())
    urls = sorted(before.extra.keys() | after.extra.keys())
    return {
        "was": before.id,
        "generation": after.id,
        "created": after.created.isoformat(),
        "suites": [
            {
                "repository": key.repository,
                "suite": key.suite,
                "before": _date(before.pins.get(key)),
                "after": _date(after.pins.get(key)),
            }
            for key in suites
            if before.pins.get(key) != after.pins.get(key)
        ],
        "extra": [
            {"url": url, "before": _text(before.extra.get(url)), "after": _text(after.extra.get(url))}
            for url in urls
            if before.extra.get(url) != after.extra.get(url)
        ],
    }


def _state(pin: Pin | None) -> str:
    if pin is None:
        return "not pinned"
    return f"{pin.date:%Y-%m-%d %H:%M} UTC" if pin.date else "without a date"


def _digest(digest: Digest | None) -> str:
    return "not pinned" if digest is None else digest.hex[:12]


def _date(pin: Pin | None) -> str | None:
    return None if pin is None or pin.date is None else pin.date.isoformat()


def _text(digest: Digest | None) -> str | None:
    return None if digest is None else str(digest)
