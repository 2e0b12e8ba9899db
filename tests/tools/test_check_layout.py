# SPDX-License-Identifier: MIT
"""The rule that tests mirror the source, on small trees."""

from __future__ import annotations

from pathlib import Path

from check_layout import complaints


def tree(root: Path, *files: str) -> Path:
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_a_mirrored_tree_is_fine(tmp_path: Path) -> None:
    tree(
        tmp_path, "src/aptfreeze/deb/release.py", "tests/unit/deb/test_release.py", "tests/unit/deb/test_release_old.py"
    )
    assert list(complaints(tmp_path, {})) == []


def test_support_may_have_tests_but_needs_none(tmp_path: Path) -> None:
    tree(tmp_path, "tests/support/mirror.py", "tests/support/faults.py", "tests/unit/support/test_mirror.py")
    assert list(complaints(tmp_path, {})) == []


def test_a_module_without_tests_is_named(tmp_path: Path) -> None:
    tree(tmp_path, "src/aptfreeze/errors.py", "src/aptfreeze/__init__.py")
    assert list(complaints(tmp_path, {})) == ["src/aptfreeze/errors.py has no tests/unit/test_errors.py"]
    assert list(complaints(tmp_path, {"errors.py": "types only"})) == []


def test_the_list_of_exclusions_can_only_shrink(tmp_path: Path) -> None:
    tree(tmp_path, "src/aptfreeze/errors.py", "tests/unit/test_errors.py")
    assert list(complaints(tmp_path, {"errors.py": "", "gone.py": ""})) == [
        "UNTESTED names gone.py, which does not exist",
        "src/aptfreeze/errors.py has tests now: take it out of UNTESTED",
    ]


def test_a_test_of_nothing_is_named(tmp_path: Path) -> None:
    tree(tmp_path, "tests/unit/deb/test_renamed.py")
    assert list(complaints(tmp_path, {})) == ["tests/unit/deb/test_renamed.py mirrors no module of src/aptfreeze"]
