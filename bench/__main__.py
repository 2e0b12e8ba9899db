# SPDX-License-Identifier: MIT
"""Measure aptfreeze beside what people use instead, on this machine.

Groups of rows take turns; what a group has measured is kept in build/bench, so that one group can be measured anew.
"""

from __future__ import annotations

import argparse
import importlib
import os
import tempfile
from pathlib import Path

from bench.context import Context
from bench.link import Link
from bench.page import page
from bench.peers import present
from bench.report import Row, keep, load, text
from bench.upstream import upstream

GROUPS = {
    "apt": "apt-get and mmdebstrap, cold and warm",
    "start": "starting aptfreeze",
    "index": "finding a package file in the index of packages",
    "diff": "comparing two states of a suite",
    "hits": "files that a proxy holds",
    "tls": "files that a proxy holds, asked by https",
    "latency": "how long a hit takes",
    "builds": "many builds at once",
    "coalescing": "many clients, one file that nobody has yet",
    "faults": "when a proxy or a mirror breaks",
    "memory": "memory, and many connections",
    "disk": "what environments share on disk",
}
_KEPT = Path("build/bench")


def main() -> None:
    options = _options()
    groups = options.groups or list(GROUPS)
    with tempfile.TemporaryDirectory(prefix="aptfreeze-bench-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        source = upstream()
        with Link(source.folder) as link:
            context = Context(options.rounds, present(), source, link, Path(name))
            for group in groups:
                rows = _measured(context, group)
                keep(_KEPT, group, rows, options.rounds)
                print(text(rows), flush=True)
    if options.write:
        options.write.write_text(page({name: load(_KEPT, name) for name in GROUPS}, GROUPS))


def _measured(context: Context, group: str) -> list[Row]:
    context.tell(f"{group}: {GROUPS[group]}; load {os.getloadavg()[0]:.1f}")
    return list(importlib.import_module(f"bench.group_{group}").measure(context))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}; all if none is named")
    parser.add_argument("--rounds", type=int, default=3, help="of each measurement; medians are shown (default: 3)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write what is kept of all groups as a page")
    options = parser.parse_args()
    if unknown := set(options.groups) - GROUPS.keys():
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    main()
