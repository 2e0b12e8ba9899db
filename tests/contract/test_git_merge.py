# SPDX-License-Identifier: MIT
"""Lock files and git branches, with a real git: `aptfreeze merge` as its driver, and on what it leaves without one."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, InRelease, Pin, SuiteKey
from aptfreeze.freeze.lockfile import dump
from support.aptfreeze import Aptfreeze
from support.branches import Branches, generation

REPOSITORY = "mirror.example.org/debian"
BOOKWORM, BACKPORTS, SID, TRIXIE, STABLE = (
    SuiteKey(REPOSITORY, name) for name in ("bookworm", "bookworm-backports", "sid", "trixie", "stable")
)


def pin(day: int, *, codename: str = "") -> Pin:
    date = datetime(2026, 11, day, 10, 16, tzinfo=UTC)
    return Pin(InRelease(Digest.of(str(day).encode())), date, codename=codename)


BASE = generation("a", {BOOKWORM: pin(1)})


@pytest.fixture
def branches(tmp_path: Path) -> Branches:
    """A repository whose first lock file is BASE; git knows nothing of lock files."""
    branches = Branches(Aptfreeze(tmp_path / "product"))
    branches.commit(BASE)
    return branches


@pytest.fixture
def driven(branches: Branches) -> Branches:
    """The same, with the merge driver."""
    branches.command("merge", "--install").ok()
    branches.git("add", ".gitattributes").ok()
    branches.git("commit", "--quiet", "--message=driver").ok()
    return branches


def diverge(branches: Branches, ours: Generation | str, theirs: Generation | str) -> None:
    branches.branch("feature", theirs)
    branches.commit(ours)


ADDED = (generation("a", {BOOKWORM: pin(1), SID: pin(2)}), generation("a", {BOOKWORM: pin(1), TRIXIE: pin(3)}))
MOVED = (generation("b", {BOOKWORM: pin(2), SID: pin(2)}), generation("c", {BOOKWORM: pin(3), TRIXIE: pin(3)}))

# --- with the driver -------------------------------------------------------------------------------------------------


def test_two_branches_that_added_different_suites_merge(driven: Branches) -> None:
    diverge(driven, *ADDED)

    merged = driven.merge("feature").ok()

    assert f"aptfreeze: {TRIXIE}: not pinned -> 2026-11-03 10:16 UTC, by theirs" in merged.stderr
    assert f"aptfreeze: merged aptfreeze.lock: generation {'a' * 32}" in merged.stderr
    assert driven.lock == generation("a", {BOOKWORM: pin(1), SID: pin(2), TRIXIE: pin(3)})
    assert driven.git("status", "--porcelain").ok().stdout == ""


def test_a_suite_that_both_moved_is_left_with_markers_until_a_side_is_chosen(driven: Branches) -> None:
    diverge(driven, *MOVED)

    conflict = driven.merge("feature").fails(1)

    assert f"aptfreeze: conflict: {BOOKWORM}: ours: 2026-11-02 10:16 UTC, sha256:" in conflict.stderr
    assert "Merge conflict in aptfreeze.lock" in conflict.stdout
    left = driven.text
    assert left.count("<<<<<<< ours\n") == 2  # the id, and the suite; what each has added is merged
    assert driven.command("merge").fails(2).said_by("aptfreeze").startswith(f"aptfreeze: conflict: {BOOKWORM}: ours: ")
    assert driven.text == left

    driven.command("merge", "--theirs").ok()

    assert driven.lock.pins == {BOOKWORM: pin(3), SID: pin(2), TRIXIE: pin(3)}
    assert driven.lock.id not in ("a" * 32, "b" * 32, "c" * 32)
    driven.git("commit", "--quiet", "--all", "--no-edit").ok()
    assert driven.command("status").ok().stderr == ""


def test_one_suite_under_two_names_which_git_alone_would_merge(driven: Branches) -> None:
    between = {BOOKWORM: pin(1), SID: pin(4)}
    driven.commit(generation("a", between))
    diverge(
        driven,
        generation("a", {**between, STABLE: pin(2, codename="trixie")}),
        generation("a", {**between, SuiteKey(REPOSITORY, "rc"): pin(3, codename="stable")}),
    )

    assert "are one suite under two names" in driven.merge("feature").fails(1).stderr
    driven.command("merge", "--ours").ok()

    assert driven.lock.pins == {**between, STABLE: pin(2, codename="trixie")}


def test_a_side_that_cannot_be_read_is_not_taken_for_merged(driven: Branches) -> None:
    newer = dump(ADDED[1]).replace("version = 1", "version = 2")
    diverge(driven, ADDED[0], newer)

    assert "has format version 2" in driven.merge("feature").fails(1).stderr

    assert driven.text == f"<<<<<<< ours\n{dump(ADDED[0])}=======\n{newer}>>>>>>> theirs\n"
    assert "has format version 2" in driven.command("merge").fails(2).stderr


@pytest.mark.parametrize("broken", ["PATH", "aptfreeze.toml"])
def test_where_aptfreeze_cannot_start_git_merges_the_text(driven: Branches, tmp_path: Path, broken: str) -> None:
    diverge(driven, *MOVED)
    if broken == "PATH":
        driven.environ["PATH"] = "/usr/bin:/bin"
    else:
        (driven.product.environment / "aptfreeze.toml").write_text("nonsense")

    driven.merge("feature").fails(1)

    assert driven.text.count("<<<<<<< ours\n") == 1  # neighbouring lines in one
    assert ">>>>>>> theirs\n" in driven.text


def test_where_aptfreeze_cannot_start_what_git_can_merge_is_merged(driven: Branches) -> None:
    between = {BOOKWORM: pin(1), SID: pin(1), STABLE: pin(1), TRIXIE: pin(1)}
    driven.commit(generation("a", between))
    diverge(driven, generation("b", {**between, TRIXIE: pin(2)}), generation("a", {BACKPORTS: pin(2), **between}))
    driven.environ["PATH"] = "/usr/bin:/bin"

    driven.merge("feature").ok()

    assert driven.lock == generation("b", {**between, BACKPORTS: pin(2), TRIXIE: pin(2)})


def test_branches_that_were_merged_with_each_other_before(driven: Branches) -> None:
    """Two merge bases: git merges them first, by the driver, to a base in memory."""
    diverge(driven, *ADDED)
    driven.git("branch", "other", "feature").ok()
    driven.git("checkout", "--quiet", "other").ok()
    driven.merge("main").ok()
    driven.git("checkout", "--quiet", "main").ok()
    driven.merge("feature").ok()
    driven.commit(generation("b", {SID: pin(2), TRIXIE: pin(3)}))

    driven.merge("other").ok()

    assert driven.lock == generation("b", {SID: pin(2), TRIXIE: pin(3)})


def test_a_rebase(driven: Branches) -> None:
    diverge(driven, *ADDED)

    driven.git("rebase", "feature").ok()

    assert driven.lock.pins == {BOOKWORM: pin(1), SID: pin(2), TRIXIE: pin(3)}


# --- without it ------------------------------------------------------------------------------------------------------

styles = pytest.mark.parametrize("style", ["merge", "diff3", "zdiff3"])


@styles
def test_what_git_leaves_is_merged(branches: Branches, style: str) -> None:
    branches.git("config", "merge.conflictStyle", style).ok()
    diverge(branches, *ADDED)
    branches.merge("feature").fails(1)
    assert "<<<<<<< HEAD" in branches.text

    told = branches.command("merge").ok()

    assert branches.lock == generation("a", {BOOKWORM: pin(1), SID: pin(2), TRIXIE: pin(3)})
    assert told.stderr.splitlines() == [
        f"aptfreeze: {SID}: not pinned -> 2026-11-02 10:16 UTC, by ours (HEAD)",
        f"aptfreeze: {TRIXIE}: not pinned -> 2026-11-03 10:16 UTC, by theirs (feature)",
        f"aptfreeze: merged {branches.product.lock_file}: generation {'a' * 32}",
    ]


@styles
def test_what_git_leaves_of_a_suite_that_both_moved(branches: Branches, style: str) -> None:
    branches.git("config", "merge.conflictStyle", style).ok()
    diverge(branches, *MOVED)
    branches.merge("feature").fails(1)
    left = branches.text

    refused = branches.command("merge").fails(2)

    assert branches.text == left
    assert f"conflict: {BOOKWORM}: ours (HEAD): 2026-11-02 10:16 UTC" in refused.stderr
    assert "theirs (feature): 2026-11-03 10:16 UTC" in refused.stderr
    assert 'Hint: "aptfreeze merge --ours", or "--theirs"' in refused.stderr
    branches.command("merge", "--ours").ok()
    assert branches.lock.pins == {BOOKWORM: pin(2), SID: pin(2), TRIXIE: pin(3)}


@styles
def test_what_one_branch_removed_does_not_come_back(branches: Branches, style: str) -> None:
    branches.git("config", "merge.conflictStyle", style).ok()
    branches.commit(generation("a", {BOOKWORM: pin(1), SID: pin(1), TRIXIE: pin(1)}))
    diverge(
        branches,
        generation("b", {BOOKWORM: pin(1), TRIXIE: pin(1)}),
        generation("a", {BOOKWORM: pin(1), SID: pin(1), STABLE: pin(3), TRIXIE: pin(1)}),
    )
    branches.merge("feature").fails(1)

    branches.command("merge").ok()

    assert branches.lock == generation("b", {BOOKWORM: pin(1), STABLE: pin(3), TRIXIE: pin(1)})


@styles
def test_lines_that_both_changed_alike_beside_a_conflict(branches: Branches, style: str) -> None:
    branches.git("config", "merge.conflictStyle", style).ok()
    diverge(
        branches,
        generation("b", {BACKPORTS: pin(5), BOOKWORM: pin(4), SID: pin(2)}),
        generation("c", {BACKPORTS: pin(5), BOOKWORM: pin(4), TRIXIE: pin(2)}),
    )
    branches.merge("feature").fails(1)

    branches.command("merge").ok()

    assert branches.lock.pins == {BACKPORTS: pin(5), BOOKWORM: pin(4), SID: pin(2), TRIXIE: pin(2)}


@styles
def test_two_branches_that_both_made_the_file(tmp_path: Path, style: str) -> None:
    branches = Branches(Aptfreeze(tmp_path / "product"))
    branches.git("config", "merge.conflictStyle", style).ok()
    diverge(branches, generation("b", {BOOKWORM: pin(1)}), generation("c", {BOOKWORM: pin(1), SID: pin(2)}))
    branches.merge("feature").fails(1)

    told = branches.command("merge").ok()

    assert branches.lock.pins == {BOOKWORM: pin(1), SID: pin(2)}
    assert branches.lock.id not in ("b" * 32, "c" * 32)
    assert "without a common state" not in told.stderr


# --- what it prints, and what it refuses -----------------------------------------------------------------------------


def test_a_lock_file_without_markers(branches: Branches) -> None:
    told = branches.command("merge").ok()

    assert told.stderr == (
        f"aptfreeze: {branches.product.lock_file} has no conflict markers: there is nothing to merge\n"
    )
    assert branches.lock == BASE


def test_the_outcome_as_data(branches: Branches) -> None:
    diverge(branches, *MOVED)
    branches.merge("feature").fails(1)

    refused = json.loads(branches.command("merge", "--json").fails(2).stdout)
    found = json.loads(branches.command("merge", "--json", "--theirs").ok().stdout)

    assert (refused["generation"], refused["choice"], refused["changes"]) == (None, None, [])
    assert found["conflicts"] == refused["conflicts"]
    assert found["conflicts"][0]["ours"] == {
        "key": str(BOOKWORM),
        "date": "2026-11-02T10:16:00+00:00",
        "digest": str(Digest.of(b"2")),
    }
    assert (found["generation"], found["choice"]) == (branches.lock.id, "theirs")
    assert [(each["key"], each["by"]) for each in found["changes"]] == [
        (str(BOOKWORM), ["theirs"]),
        (str(SID), ["ours"]),
        (str(TRIXIE), ["theirs"]),
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["one"], "merge takes no file or three, not 1"),
        (["--install", "--ours"], "merge --install takes no files and no side"),
        (["--ours", "--theirs"], "not allowed with argument"),
        (["--json", "a", "b", "c"], "a does not exist"),
    ],
)
def test_what_makes_no_sense(branches: Branches, words: list[str], told: str) -> None:
    refused = branches.command("merge", *words).fails(2)

    assert told in refused.stderr
    assert "Hint: " in refused.stderr
    assert refused.stdout == ""


# --- the installation ------------------------------------------------------------------------------------------------


def test_the_installation_says_what_it_did_and_is_done_once(branches: Branches) -> None:
    attributes = branches.product.environment / ".gitattributes"
    attributes.write_text("*.bin binary")

    first = branches.command("merge", "--install").ok()
    second = branches.command("merge", "--install", "--json").ok()

    assert attributes.read_text() == "*.bin binary\naptfreeze.lock merge=aptfreeze\n"
    assert first.stderr.splitlines() == [
        "aptfreeze: wrote merge.aptfreeze.name",
        "aptfreeze: wrote merge.aptfreeze.driver",
        f"aptfreeze: wrote {attributes}",
        f"aptfreeze: commit {attributes}; every other clone needs one aptfreeze merge --install",
    ]
    assert branches.git("config", "merge.aptfreeze.driver").stdout.startswith("aptfreeze merge %O %A %B || ")
    assert json.loads(second.stdout) == {
        "driver": branches.git("config", "merge.aptfreeze.driver").stdout.rstrip("\n"),
        "attributes": str(attributes),
        "changed": [],
    }
    assert "nothing to do" in branches.command("merge", "--install").ok().stderr


def test_the_installation_of_an_environment_below_the_top(branches: Branches) -> None:
    image = branches.product.environment / "images" / "image"
    image.mkdir(parents=True)

    branches.command("merge", "--install", "--env", str(image)).ok()

    assert (branches.product.environment / ".gitattributes").exists()
    assert not list(image.iterdir())


def test_an_attribute_that_overrides_ours_is_named(branches: Branches) -> None:
    (branches.product.environment / ".git" / "info").mkdir(exist_ok=True)
    (branches.product.environment / ".git" / "info" / "attributes").write_text("*.lock merge=union\n")

    assert "overrides it by merge=union" in branches.command("merge", "--install").fails(2).stderr


def test_no_work_tree(tmp_path: Path) -> None:
    product = Aptfreeze(tmp_path / "product")

    told = product.command("merge", "--install").fails(2).stderr

    assert f"git cannot be told to merge lock files in {product.environment}: not a git repository" in told
    assert "Hint: install git, and run it in a checkout" in told


def test_no_git(tmp_path: Path) -> None:
    product = Aptfreeze(tmp_path / "product")

    told = product.command("merge", "--install", env={"PATH": str(tmp_path)}).fails(2).stderr

    assert "git is not installed" in told
