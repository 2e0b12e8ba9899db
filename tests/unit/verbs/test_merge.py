# SPDX-License-Identifier: MIT
"""Merging an environment's lock file in place, and three files. With a real git: tests/contract/test_git_merge.py."""

from pathlib import Path

import pytest

from aptfreeze.environment import generations, log
from aptfreeze.environment.log import EventKind
from aptfreeze.errors import RefusedError, UsageError
from aptfreeze.freeze.conflict import marked
from aptfreeze.freeze.generation import Generation
from aptfreeze.freeze.lockfile import dump, parse
from aptfreeze.freeze.merge import Conflicted, Merged, Side
from aptfreeze.verbs.merge import merge_files, refusal, resolve
from support.branches import generation
from support.environments import MAIN, SECURITY, open_in, pin

BASE = generation("a", {MAIN: pin(1)})
OURS = generation("b", {MAIN: pin(2)})
THEIRS = generation("a", {MAIN: pin(1), SECURITY: pin(3)})
MERGED = generation("b", {MAIN: pin(2), SECURITY: pin(3)})
MOVED = generation("c", {MAIN: pin(3)})


def leave(folder: Path, ours: Generation, theirs: Generation, base: Generation | None) -> Path:
    """The lock file with markers in it."""
    path = folder / "aptfreeze.lock"
    path.write_text(marked(dump(ours), dump(theirs), None if base is None else dump(base)))
    return path


# --- in place --------------------------------------------------------------------------------------------------------


def test_the_sides_become_one(tmp_path: Path) -> None:
    path = leave(tmp_path, OURS, THEIRS, BASE)
    opened = open_in(tmp_path)

    outcome = resolve(opened, None)

    assert isinstance(outcome.result, Merged)
    assert outcome.generation == MERGED == parse(path.read_text())
    assert opened.store.load() == MERGED


def test_a_conflict_writes_nothing(tmp_path: Path) -> None:
    path = leave(tmp_path, OURS, MOVED, BASE)
    before = path.read_bytes()

    outcome = resolve(open_in(tmp_path), None)

    assert isinstance(outcome.result, Conflicted)
    assert path.read_bytes() == before
    assert "this conflict is yours to decide" in refusal(outcome).message


def test_a_choice_decides(tmp_path: Path) -> None:
    path = leave(tmp_path, OURS, MOVED, BASE)

    resolve(open_in(tmp_path), Side.THEIRS)

    merged = parse(path.read_text())
    assert merged.pins == {MAIN: pin(3)}
    assert merged.created > max(OURS.created, MOVED.created)  # also where the clock is behind


def test_a_state_that_is_known_otherwise_by_that_id_gets_another_one(tmp_path: Path) -> None:
    leave(tmp_path, OURS, THEIRS, BASE)
    opened = open_in(tmp_path)
    opened.environment.state.mkdir()
    opened.environment.furnish()
    generations.write_copy(opened.environment, generation("b", {MAIN: pin(9)}))

    outcome = resolve(opened, None)

    assert outcome.generation == opened.store.load()
    assert opened.store.load().id != MERGED.id
    assert opened.store.load().pins == MERGED.pins
    assert EventKind.NEW_ID in [event.kind for event in log.read(opened.environment.log)]


def test_without_markers_it_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "aptfreeze.lock"
    path.write_text(dump(BASE) + "# a comment\n")
    before = path.read_bytes()

    assert resolve(open_in(tmp_path), Side.OURS).result == BASE
    assert path.read_bytes() == before


def test_no_lock_file_and_one_that_is_no_good(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no aptfreeze\.lock"):
        resolve(open_in(tmp_path), None)
    (tmp_path / "aptfreeze.lock").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="is not UTF-8"):
        resolve(open_in(tmp_path), None)


def test_locked_writes_nothing(tmp_path: Path) -> None:
    path = leave(tmp_path, OURS, THEIRS, BASE)
    before = path.read_bytes()

    with pytest.raises(RefusedError, match="holds an unfinished git merge, and --locked forbids"):
        resolve(open_in(tmp_path, locked=True), None)
    assert path.read_bytes() == before


def test_a_side_that_is_no_good_is_named(tmp_path: Path) -> None:
    path = leave(tmp_path, OURS, THEIRS, BASE)
    before = path.read_text().replace("=======\n", "=======\nnonsense\n", 1)
    path.write_text(before)

    with pytest.raises(UsageError, match=r"the side of theirs \(theirs\) is not valid TOML"):
        resolve(open_in(tmp_path), Side.OURS)
    assert path.read_text() == before


def test_a_base_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = leave(tmp_path, OURS, THEIRS, BASE)
    path.write_text(path.read_text().replace(f'generation = "{BASE.id}"', 'generation = "x"', 1))

    outcome = resolve(open_in(tmp_path), Side.OURS)

    assert "merged without a common state, so that nothing counts as removed: " in outcome.notes[0]
    assert outcome.generation is not None
    assert outcome.generation.pins == {MAIN: pin(2), SECURITY: pin(3)}


def test_a_lock_file_that_is_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    leave(tmp_path / "elsewhere", OURS, THEIRS, BASE)
    (tmp_path / "aptfreeze.lock").symlink_to("elsewhere/aptfreeze.lock")

    resolve(open_in(tmp_path), None)

    assert (tmp_path / "aptfreeze.lock").is_symlink()
    assert parse((tmp_path / "elsewhere" / "aptfreeze.lock").read_text()) == MERGED


# --- three files -----------------------------------------------------------------------------------------------------


def three(folder: Path, *states: Generation | bytes) -> list[Path]:
    paths = [folder / name for name in ("base", "ours", "theirs")]
    for path, state in zip(paths, states, strict=True):
        path.write_bytes(state if isinstance(state, bytes) else dump(state).encode())
    return paths


def test_the_result_goes_into_the_file_of_ours(tmp_path: Path) -> None:
    base, ours, theirs = three(tmp_path, BASE, OURS, THEIRS)

    outcome = merge_files(open_in(tmp_path), base, ours, theirs, None)

    assert outcome.file == str(ours)
    assert parse(ours.read_text()) == MERGED
    assert (parse(base.read_text()), parse(theirs.read_text())) == (BASE, THEIRS)
    assert sorted(tmp_path.iterdir()) == [base, ours, theirs]


def test_an_empty_base_is_none(tmp_path: Path) -> None:
    base, ours, theirs = three(tmp_path, b"", OURS, THEIRS)

    outcome = merge_files(open_in(tmp_path), base, ours, theirs, Side.OURS)

    assert outcome.notes == ()
    assert outcome.generation is not None
    assert outcome.generation.pins == MERGED.pins


def test_a_conflict_goes_there_with_markers(tmp_path: Path) -> None:
    base, ours, theirs = three(tmp_path, BASE, OURS, MOVED)

    outcome = merge_files(open_in(tmp_path), base, ours, theirs, None)

    assert isinstance(outcome.result, Conflicted)
    assert ours.read_text() == marked(dump(OURS), dump(MOVED), dump(BASE))


def test_what_cannot_be_read_goes_there_as_a_whole(tmp_path: Path) -> None:
    base, ours, theirs = three(tmp_path, BASE, OURS, b"\xff")

    with pytest.raises(UsageError, match="theirs, the side of theirs is not UTF-8"):
        merge_files(open_in(tmp_path), base, ours, theirs, None)
    assert ours.read_bytes() == b"<<<<<<< ours\n" + dump(OURS).encode() + b"=======\n\xff\n>>>>>>> theirs\n"


def test_a_file_that_does_not_exist_changes_nothing(tmp_path: Path) -> None:
    base, ours, theirs = three(tmp_path, BASE, OURS, MOVED)
    base.unlink()

    with pytest.raises(UsageError, match="base does not exist"):
        merge_files(open_in(tmp_path), base, ours, theirs, None)
    assert parse(ours.read_text()) == OURS
