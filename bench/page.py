# SPDX-License-Identifier: MIT
"""docs/benchmarks.md: all rows, and what they depend on."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping

from bench.report import Row, machine, text

_HEAD = """# Benchmarks

aptfreeze beside what people use instead: squid with the patterns of squid-deb-proxy, nginx as a caching proxy,
apt-cacher-ng; no proxy at all (direct), and a mirror on the disk (file://). `make bench` measures it on your machine
and takes about half an hour; `bench/` says how. This page is written by it.

Each figure is the median of rounds in which all take turns. Seconds depend on the machine, and on what else it does:
compare within a row only. Empty: not applicable, or not measured. *must* is what we hold ourselves to, *is* our figure
in the same terms; where it says MISSED, or where another column is better, we are not as good as we want to be.

The mirror is a copy of a part of Debian's (265 packages, 180 MB, with its real indexes), behind a modelled link
(`bench/link.py`). aptfreeze verifies signatures and hashes all that it fetches; none of the others does. MB and GB are
decimal, CPU is user and system of all processes and threads of a proxy, memory its resident set, of several processes
their proportional set size.
"""

Kept = tuple[Mapping[str, object], list[Row]]


def page(kept: Mapping[str, Kept | None], titles: Mapping[str, str]) -> str:
    """The page, from what is kept of each group."""
    parts = [_HEAD, "\n".join(f"- {line}" for line in machine()) + "\n"]
    for name, group in kept.items():
        if group is not None:
            run, rows = group
            title = titles[name]
            about = f"Measured {run['when']}, {run['rounds']} rounds, load {run['load']:.1f}."
            how = inspect.cleandoc(importlib.import_module(f"bench.group_{name}").__doc__ or "")
            parts += [f"## {title[0].upper()}{title[1:]}\n", how + "\n", about + "\n", text(rows) + "\n"]
    return "\n".join(parts)
