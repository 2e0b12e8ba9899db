# SPDX-License-Identifier: MIT
"""Runs the checks and the tests, in stages, and ends with one line: `N passed, N failed, N skipped`.

usage: run_tests.py STAGE...

Stages: `checks` (linters and rules of this repository), `fast` (tests without a network), `real` (tests with the
machine's apt and mirror), `long` (soak tests). A stage runs to its end whatever fails in it; a later one is not begun
after a failure. The exit status is 0 only if nothing failed and, where a stage with tests was asked for, one test ran.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON_FOLDERS = ["src", "tests", "tools", "bench"]
FAST = ["tests/unit", "tests/contract", "tests/wire", "tests/fuzz", "tests/tools", "tests/bench"]
REAL = ["tests/apt", "tests/image"]


@dataclass(frozen=True, slots=True)
class Tally:
    """How many tests (or checks) ended how."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def scripts() -> list[str]:
    """The shell scripts of the repository, by their first line (POSIX sh, no suffix)."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [name for name in tracked.splitlines() if is_shell(ROOT / name)]


def is_shell(path: Path) -> bool:
    return path.is_file() and path.read_bytes()[:20].startswith((b"#!/bin/sh", b"#!/bin/bash"))


def checks() -> list[Sequence[str]]:
    """The command lines of all checks, quickest first; shellcheck only where the machine has it."""
    commands: list[Sequence[str]] = [
        python("-m", "ruff", "check", "--quiet", *PYTHON_FOLDERS),
        python("-m", "ruff", "format", "--quiet", "--check", *PYTHON_FOLDERS),
        python("tools/check_layout.py"),
        python("tools/check_portable.py"),
        python("tools/check_docs.py"),
        python("-m", "codespell_lib"),
        [str(Path(sys.executable).with_name("lint-imports")), "--no-logo"],
        python("-m", "mypy", "--no-error-summary"),
    ]
    if shutil.which("shellcheck"):
        commands.append(["shellcheck", *scripts()])
    return commands


def run_checks() -> Tally:
    return sum((run_check(command) for command in checks()), Tally())


def run_check(command: Sequence[str]) -> Tally:
    """Runs one check; its output is shown only if it fails."""
    began = time.monotonic()
    result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    verdict = "ok" if result.returncode == 0 else f"FAILED ({result.returncode})"
    print(f"{' '.join(short(command)):70} {verdict} {time.monotonic() - began:.1f} s", flush=True)
    if result.returncode == 0:
        return Tally(passed=1)
    print(result.stdout, flush=True)
    return Tally(failed=1)


def short(command: Sequence[str]) -> Sequence[str]:
    """The command as a person would type it, without the interpreter and with few arguments."""
    names = [
        Path(word).name if word.startswith("/") else word for word in command if word not in ("-m", sys.executable)
    ]
    return names if len(names) <= 8 else [*names[:3], "..."]


def run_pytest(folders: Sequence[str], *options: str) -> Tally:
    """Runs pytest in two processes over those of the folders that have tests."""
    present = [folder for folder in folders if any((ROOT / folder).rglob("test_*.py"))]
    if not present:
        print(f"no tests in {' '.join(folders)}", flush=True)
        return Tally()
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.xml")
        command = python("-m", "pytest", "-q", "-n", "2", "--durations=5", f"--junit-xml={report}", *options, *present)
        print(f"pytest {' '.join([*options, *present])}", flush=True)
        status = subprocess.run(command, cwd=ROOT).returncode
        return counted(report, status)


def counted(report: Path, status: int) -> Tally:
    """The tally of pytest's report; a status that the report does not explain (a crash) counts as a failure."""
    if not report.exists():
        return Tally(failed=1)
    suite = ET.parse(report).getroot().find("testsuite")
    if suite is None:
        return Tally(failed=1)
    number = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
    failed = number["failures"] + number["errors"]
    passed = max(0, number["tests"] - failed - number["skipped"])
    return Tally(passed, max(failed, int(status not in (0, 5))), number["skipped"])


STAGES: dict[str, Callable[[], Tally]] = {
    "checks": run_checks,
    "fast": lambda: run_pytest(FAST, "-m", "not long and not online"),
    "real": lambda: run_pytest(REAL, "-m", "not long", "--dist", "loadfile"),
    "long": lambda: run_pytest(["tests"], "-m", "long", "--timeout", "3600"),
}


def main(stages: Sequence[str]) -> int:
    total = Tally()
    for name in stages:
        began = time.monotonic()
        total += STAGES[name]()
        print(f"-- {name}: {time.monotonic() - began:.0f} s", flush=True)
        if total.failed:
            break
    print(total, flush=True)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    if not sys.argv[1:] or not set(sys.argv[1:]) <= STAGES.keys():
        sys.exit(f"usage: run_tests.py STAGE... ({', '.join(STAGES)})")
    sys.exit(main(sys.argv[1:]))
