# SPDX-License-Identifier: MIT
"""Checks that the unit tests mirror the source.

`src/aptfreeze/PACKAGE/MODULE.py` has its tests in `tests/unit/PACKAGE/test_MODULE.py` (or, where one file would be too
long, also `test_MODULE_TOPIC.py`), and every file of tests/unit mirrors a module in this way; those in
tests/unit/support mirror tests/support. UNTESTED names the modules that have no tests, each for a reason; the list may
only shrink.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "aptfreeze"
TESTS = ROOT / "tests" / "unit"

UNTESTED: dict[str, str] = {
    "__main__.py": "one line; tests/contract runs it",
}


def modules() -> Iterator[Path]:
    """The modules of the package, relative to it; a package's `__init__` has no logic."""
    return (path.relative_to(SOURCE) for path in sorted(SOURCE.rglob("*.py")) if path.name != "__init__.py")


def tests_of(module: Path) -> list[Path]:
    folder = TESTS / module.parent
    return [*folder.glob(f"test_{module.stem}.py"), *folder.glob(f"test_{module.stem}_*.py")]


def complaints() -> Iterator[str]:
    mirrored: set[Path] = set()
    for module in modules():
        found = tests_of(module)
        mirrored.update(found)
        listed = module.as_posix() in UNTESTED
        if not found and not listed:
            yield f"src/aptfreeze/{module} has no tests/unit/{module.parent / f'test_{module.name}'}"
        if found and listed:
            yield f"src/aptfreeze/{module} has tests now: take it out of UNTESTED in {Path(__file__).relative_to(ROOT)}"
    for name in UNTESTED:
        if not (SOURCE / name).exists():
            yield f"UNTESTED names {name}, which does not exist"
    for support in (ROOT / "tests" / "support").rglob("*.py"):
        mirrored.update(tests_of(support.relative_to(ROOT / "tests")))
    for test in sorted(set(TESTS.rglob("test_*.py")) - mirrored):
        yield f"{test.relative_to(ROOT)} mirrors no module of src/aptfreeze"


if __name__ == "__main__":
    found = list(complaints())
    print("\n".join(found))
    sys.exit(1 if found else 0)
