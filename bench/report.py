# SPDX-License-Identifier: MIT
"""Rows of figures, kept as they come, and shown as one table."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

COLUMNS = ("aptfreeze", "squid", "nginx", "apt-cacher-ng", "direct", "file://")


@dataclass
class Target:
    """What aptfreeze's figure must not be above."""

    must: str
    """In words, as `<= 1.5 x nginx`."""
    limit: float
    reached: float | None
    """aptfreeze's figure in the same terms; None: not measured."""


@dataclass
class Row:
    """What was measured of each subject (a column): one figure for each round."""

    what: str
    unit: str
    figures: dict[str, list[float]] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)

    def add(self, column: str, figure: float) -> None:
        self.figures.setdefault(column, []).append(figure)

    def median(self, column: str) -> float | None:
        return statistics.median(self.figures[column]) if self.figures.get(column) else None

    def latest(self) -> str:
        """For who watches: the figures of the last round."""
        return ", ".join(f"{column} {number(figures[-1])}" for column, figures in self.figures.items())

    def must_be(self, limit: float, *, times: str = "") -> None:
        """A target: at most `limit`, as a multiple of another column's figure if `times` names one."""
        mine, base = self.median("aptfreeze"), self.median(times) if times else 1.0
        must = f"<= {limit:g} x {times}" if times else f"<= {limit:g}"
        self.targets.append(Target(must, limit, mine / base if mine is not None and base else None))

    @property
    def verdict(self) -> str:
        if any(target.reached is None for target in self.targets):
            return "not measured"
        if any(target.reached > target.limit for target in self.targets if target.reached is not None):
            return "MISSED"
        return "reached" if self.targets else ""


def number(value: float | None) -> str:
    """Three digits that count."""
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def text(rows: Sequence[Row]) -> str:
    """For a terminal: lines of Markdown with columns of one width."""
    table = [["what", "unit", *COLUMNS, "must", "is", ""]]
    for row in rows:
        figures = [number(row.median(column)) for column in COLUMNS]
        must, reached = [target.must for target in row.targets], [number(target.reached) for target in row.targets]
        table.append([row.what, row.unit, *figures, ", ".join(must), ", ".join(reached), row.verdict])
    widths = [max(len(line[n]) for line in table) for n in range(len(table[0]))]
    lines = [
        "| " + " | ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)) + " |" for line in table
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def keep(folder: Path, group: str, rows: Iterable[Row], rounds: int) -> None:
    """Write what a group has measured, for `load`."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {"when": datetime.now(UTC).isoformat(timespec="minutes"), "rounds": rounds, "load": os.getloadavg()[0]}
    data = {"run": kept, "rows": [asdict(row) for row in rows]}
    (folder / f"{group}.json").write_text(json.dumps(data, indent=1))


def load(folder: Path, group: str) -> tuple[Mapping[str, object], list[Row]] | None:
    """What `keep` has written; None if this group was not measured."""
    path = folder / f"{group}.json"
    if not path.exists():
        return None
    data = json.loads(path.read_text())
    return data["run"], [_row(row) for row in data["rows"]]


def _row(data: dict[str, Any]) -> Row:
    return Row(**data | {"targets": [Target(**target) for target in data["targets"]]})


def machine() -> list[str]:
    """What the figures depend on, a line each."""
    packages = ["apt", "squid", "nginx", "apt-cacher-ng", "mmdebstrap"]
    query = ["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *packages]
    versions = subprocess.run(query, capture_output=True, text=True).stdout.split("\n")
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    system = f"Python {platform.python_version()}, Linux {platform.release()}, {os.cpu_count()} cores, {model}"
    return [system, ", ".join(filter(None, versions))]
