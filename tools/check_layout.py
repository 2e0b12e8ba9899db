# SPDX-License-Identifier: MIT
"""Checks that the unit tests mirror the source.

`src/aptfreeze/PACKAGE/MODULE.py` has its tests in `tests/unit/PACKAGE/test_MODULE.py` (or, where one file would be too
long, also `test_MODULE_TOPIC.py`), and every file of tests/unit mirrors a module in this way; those in
tests/unit/support mirror tests/support. UNTESTED names the modules that have no tests, each for a reason; the list may
only shrink.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_HANDLED = "tests/unit/serve/test_proxy.py asks it through the proxy"
_CLI = "tests/unit/cli/test_main.py and tests/contract/test_bad_input.py ask it by the command line"

UNTESTED: dict[str, str] = {
    "__main__.py": "tests/unit/cli/test_main.py starts it",
    "cli/building.py": _CLI,
    "cli/comparing.py": _CLI,
    "cli/keeping.py": _CLI,
    "cli/generations.py": _CLI,
    "cli/handing.py": "tests/apt/test_export.py and tests/apt/test_import.py ask it by the command line",
    "cli/looking.py": _CLI,
    "cli/merging.py": "tests/contract/test_git_merge.py asks it by the command line, and through git",
    "cli/printing.py": _CLI,
    "cli/store.py": _CLI,
    "cli/shipping.py": _CLI,
    "cli/trusting.py": _CLI,
    "cli/verb.py": _CLI,
    "describe/sourcepackage.py": "values only; tests/unit/describe/test_sourcesearch.py makes them",
    "fetch/failures.py": "classes only; what follows from each, test_turns.py and test_job.py ask",
    "settings.py": "values only; tests/unit/test_rows.py reads each of them",
    "environment/pinner.py": _HANDLED,
    "serve/assembly.py": _HANDLED,
    "serve/stage.py": "values only; used by the tests of serve/connection.py",
    "serve/reply.py": "values only; sent by the tests of serve/connection.py",
}
STORIES = frozenset({"fetch/test_crash.py"})
"""Tests of several modules at once that have no better place."""


def complaints(root: Path, untested: Mapping[str, str]) -> Iterator[str]:
    """One line for each module without tests, each test without a module, each stale exclusion."""
    source, tests = root / "src" / "aptfreeze", root / "tests" / "unit"
    yield from (f"UNTESTED names {name}, which does not exist" for name in untested if not (source / name).exists())
    mirrored = {test for module in modules(root / "tests", "support") for test in tests_of(module, tests)}
    for module in modules(source):
        found = tests_of(module, tests)
        mirrored.update(found)
        listed = module.as_posix() in untested
        if not found and not listed:
            yield f"src/aptfreeze/{module} has no tests/unit/{module.with_name(f'test_{module.name}')}"
        if found and listed:
            yield f"src/aptfreeze/{module} has tests now: take it out of UNTESTED"
    mirrored |= {tests / name for name in STORIES}
    for test in sorted(set(tests.rglob("test_*.py")) - mirrored):
        yield f"{test.relative_to(root)} mirrors no module of src/aptfreeze"


def modules(folder: Path, below: str = "") -> list[Path]:
    """The modules, relative to the folder; a package's `__init__` has no logic."""
    return [path.relative_to(folder) for path in sorted((folder / below).rglob("*.py")) if path.name != "__init__.py"]


def tests_of(module: Path, tests: Path) -> list[Path]:
    folder = tests / module.parent
    return [*folder.glob(f"test_{module.stem}.py"), *folder.glob(f"test_{module.stem}_*.py")]


if __name__ == "__main__":
    found = list(complaints(ROOT, UNTESTED))
    print("\n".join(found))
    sys.exit(1 if found else 0)
