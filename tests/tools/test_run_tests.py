# SPDX-License-Identifier: MIT
"""The runner's arithmetic: nothing that failed may be counted as passed, and no run without tests is a success."""

from __future__ import annotations

from pathlib import Path

from run_tests import Tally, counted


def report(folder: Path, attributes: str) -> Path:
    path = folder / "report.xml"
    path.write_text(f'<testsuites><testsuite name="pytest" {attributes}/></testsuites>')
    return path


def test_errors_are_failures_and_skipped_ones_did_not_pass(tmp_path: Path) -> None:
    path = report(tmp_path, 'tests="10" failures="2" errors="1" skipped="3"')
    assert counted(path, 1) == Tally(passed=4, failed=3, skipped=3)


def test_a_crash_after_all_tests_passed_is_a_failure(tmp_path: Path) -> None:
    assert counted(report(tmp_path, 'tests="5" failures="0" errors="0" skipped="0"'), 3).failed == 1


def test_no_report_is_a_failure(tmp_path: Path) -> None:
    assert counted(tmp_path / "absent.xml", 0).failed == 1


def test_the_closing_line() -> None:
    assert str(Tally(5, 1)) == "5 passed, 1 failed"
    assert str(Tally(5, 0) + Tally(1, 0, 2)) == "6 passed, 0 failed, 2 skipped"
