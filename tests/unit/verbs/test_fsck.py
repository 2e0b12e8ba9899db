# SPDX-License-Identifier: MIT
"""Checking and repairing a real archive from the tests' mirror."""

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.archive.survey import Amount
from aptfreeze.describe.fsck import Checked, Damage, Outcome
from aptfreeze.environment import transitions
from aptfreeze.environment.config import Surroundings
from aptfreeze.environment.known import open_archive_for
from aptfreeze.environment.opened import Opened, open_environment
from aptfreeze.errors import StorageError, UsageError
from aptfreeze.fetch.opened import open_archive
from aptfreeze.freeze.digest import Digest
from aptfreeze.verbs.fsck import Wish, fsck
from support.archive import every_object_verifies, objects_of, quarantined, rot
from support.faults import Flip, Status
from support.keeping import fill, key_of, pin_of, pinned_environment, used
from support.origin import Origin
from support.packages import hexdigest
from support.repository import MakeRepository, Repository

NOW = datetime(2026, 11, 24, tzinfo=UTC)
REPAIR = Wish(is_repair=True)


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    repository = make_repository()
    repository.add("hello", "1.0")
    repository.add("large", "1.0", size=2_000_000)
    repository.add_source("hello", "1.0")
    repository.publish()
    return repository


@pytest.fixture
def opened(repository: Repository, tmp_path: Path) -> Opened:
    """`hello` was used, and everything is in the archive, the look-up table of Packages included."""
    opened = pinned_environment(tmp_path, repository)
    used(opened, repository, "hello")
    fill(opened.settings.archive.path, repository)
    with open_archive(opened.settings) as archive:
        lookup, key, pin = archive.lookup(offline=True), key_of(repository), pin_of(repository)
        lookup.prepare(key, pin, "main/binary-amd64/Packages")
        lookup.store_payload(key, pin)
    return opened


def checked(opened: Opened, wish: Wish = Wish(), now: datetime = NOW, told: list[str] | None = None) -> Checked:  # noqa: B008
    return fsck(opened, wish, now, tell=([] if told is None else told).append)


def archive_of(opened: Opened) -> Path:
    return opened.settings.archive.path


def names(damage: Damage) -> list[str]:
    return [f"{need.found.piece.part} {need.found.piece.name}" for need in damage.needs]


def of(repository: Repository, name: str) -> str:
    """The sha256 of a file of the suite."""
    return hexdigest("SHA256", (repository.suite_folder / name).read_bytes())


def test_an_archive_in_order(opened: Opened, repository: Repository, origin: Origin) -> None:
    found = checked(opened)

    objects = objects_of(archive_of(opened)).values()
    assert (found.exit_status, found.damages, found.is_resumed) == (0, (), False)
    assert found.counts.objects == len(objects)
    assert found.counts.size == sum(path.stat().st_size for path in objects)
    assert (found.counts.tables, found.partial) == (1, Amount())
    assert list(found.lines())[-1] == "everything is as it should be"
    assert origin.asked() == []
    assert not (archive_of(opened) / "fsck.json").exists()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("hello", ["package hello 1.0 amd64"]),
        ("large", ["package large 1.0 amd64"]),
        ("hello_1.0.dsc", ["source hello 1.0 hello_1.0.dsc"]),
        ("InRelease", ["pinned file dists/bookworm/InRelease"]),
        ("Release", ["pinned file dists/bookworm/Release"]),
        ("main/binary-amd64/Packages.xz", ["index main/binary-amd64/Packages.xz"]),
        ("main/source/Sources.gz", ["source index main/source/Sources.gz"]),
    ],
)
def test_what_is_damaged_is_named_by_who_needs_it_and_fetched_again(
    opened: Opened, repository: Repository, name: str, told: list[str]
) -> None:
    known = {"hello_1.0.dsc": repository.root / "pool/main/h/hello/hello_1.0.dsc"}
    file = known.get(name) or (repository.suite_folder / name)
    digest = repository.binary(name).sha256 if name in ("hello", "large") else hexdigest("SHA256", file.read_bytes())
    rot(archive_of(opened), digest, -1)

    found = checked(opened)
    repaired = checked(opened, REPAIR)

    [damage] = found.damages
    assert (found.exit_status, damage.outcome, names(damage)) == (3, Outcome.BAD, told)
    assert damage.finding.file == f"objects/sha256/{digest[:2]}/{digest}"
    assert {need.environment for need in damage.needs} == {str(opened.environment.root)}
    assert [(each.outcome, names(each)) for each in repaired.damages] == [(Outcome.REPAIRED, told)]
    assert repaired.exit_status == 0
    assert every_object_verifies(archive_of(opened)) == found.counts.objects
    assert quarantined(archive_of(opened)) == set()
    assert checked(opened).damages == ()


def test_a_check_changes_nothing(opened: Opened, repository: Repository, origin: Origin) -> None:
    rot(archive_of(opened), of(repository, "InRelease"), 5)
    rot(archive_of(opened), repository.binary("hello").sha256, 5)
    before = {path: path.read_bytes() for path in objects_of(archive_of(opened)).values()}

    assert len(checked(opened).damages) == 2

    assert {path: path.read_bytes() for path in objects_of(archive_of(opened)).values()} == before
    assert origin.asked() == []


def test_everything_at_once(opened: Opened, repository: Repository) -> None:
    """Pinned files first, then indexes, then what hides behind them."""
    for table in (archive_of(opened) / "index").iterdir():
        table.unlink()
    count = len(objects_of(archive_of(opened)))
    for digest in objects_of(archive_of(opened)):
        rot(archive_of(opened), digest, 0)

    found = checked(opened, REPAIR)

    unneeded = of(repository, "Release.gpg")  # its text is signed in the InRelease as well
    assert len(found.damages) == count
    assert [each.finding.digest for each in found.left] == [Digest.parse(f"sha256:{unneeded}")]
    assert every_object_verifies(archive_of(opened)) == count - 1


def test_what_nobody_has_goes_to_quarantine_until_somebody_has_it(
    opened: Opened, repository: Repository, origin: Origin
) -> None:
    hello = repository.binary("hello").sha256
    rot(archive_of(opened), hello, 5)
    origin.inject("*.deb", Status(404))

    found = checked(opened, REPAIR)
    again = checked(opened)
    origin.heal()
    repaired = checked(opened, REPAIR)

    [damage] = found.damages
    assert (found.exit_status, damage.outcome) == (3, Outcome.MISSING)
    assert "404" in damage.reason
    assert quarantined(archive_of(opened)) == {hello}
    [lost] = again.damages
    assert (again.exit_status, names(lost), lost.finding.file) == (
        3,
        ["package hello 1.0 amd64"],
        f"quarantine/{hello}.0",
    )
    assert repaired.exit_status == 0
    assert hello in objects_of(archive_of(opened))
    assert checked(opened).exit_status == 0


def test_a_mirror_with_wrong_bytes_repairs_nothing(opened: Opened, repository: Repository, origin: Origin) -> None:
    rot(archive_of(opened), repository.binary("hello").sha256, 5)
    origin.inject("*.deb", Flip(100))

    found = checked(opened, REPAIR)

    assert [each.outcome for each in found.damages] == [Outcome.MISSING]
    assert every_object_verifies(archive_of(opened))


def test_what_no_known_environment_needs_goes_to_quarantine(opened: Opened) -> None:
    stranger = Objects(archive_of(opened)).put(b"a stranger")
    rot(archive_of(opened), stranger.hex, 0)

    found = checked(opened, REPAIR)

    [damage] = found.damages
    assert (damage.needs, damage.outcome, found.exit_status) == ((), Outcome.MISSING, 3)
    assert "  no known environment needs it" in list(found.lines())
    assert checked(opened).exit_status == 0  # nobody lacks it


def test_offline_nothing_is_fetched(opened: Opened, repository: Repository, origin: Origin) -> None:
    rot(archive_of(opened), repository.binary("hello").sha256, 5)
    flags = {"archive.path": str(archive_of(opened)), "offline": True}
    offline = open_environment("a test", Surroundings({"HOME": "/"}, opened.environment.root), flags)

    found = checked(offline, REPAIR)

    assert [each.outcome for each in found.damages] == [Outcome.MISSING]
    assert "--offline forbids" in found.damages[0].reason
    assert origin.asked() == []


def test_right_bytes_in_quarantine_come_back(opened: Opened, repository: Repository, origin: Origin) -> None:
    hello = repository.binary("hello").sha256
    objects_of(archive_of(opened))[hello].rename(archive_of(opened) / f"quarantine/{hello}.0")

    found = checked(opened)
    repaired = checked(opened, REPAIR)

    assert "although its bytes are right" in found.damages[0].finding.fault
    assert repaired.exit_status == 0
    assert every_object_verifies(archive_of(opened)) == found.counts.objects + 1
    assert origin.asked() == []


def test_what_does_not_belong_there_is_put_away(opened: Opened) -> None:
    folder = archive_of(opened) / "objects/sha256"
    (folder / "README").write_text("mine")
    (folder / "ab").mkdir(exist_ok=True)
    (folder / "ab" / Digest.of(b"x").hex).write_bytes(b"x")
    os.mkfifo(folder / "pipe")

    found = checked(opened, REPAIR)

    assert {Path(each.finding.file).name: each.outcome for each in found.damages} == {
        "README": Outcome.PUT_AWAY,
        Digest.of(b"x").hex: Outcome.PUT_AWAY,
        "pipe": Outcome.BAD,
    }
    assert quarantined(archive_of(opened)) == {Digest.of(b"mine").hex, Digest.of(b"x").hex}


def test_a_damaged_table_is_deleted_and_made_anew(opened: Opened, repository: Repository) -> None:
    [table] = (archive_of(opened) / "index").iterdir()
    table.chmod(0o644)
    table.write_bytes(table.read_bytes()[:5000])
    rot(archive_of(opened), repository.binary("hello").sha256, 5)

    found = checked(opened, REPAIR)

    assert {each.finding.kind: each.outcome for each in found.damages} == {
        "look-up table": Outcome.DELETED,
        "object": Outcome.REPAIRED,
    }
    assert found.exit_status == 0


def test_a_table_that_says_something_else_than_its_index_is_deleted(opened: Opened, repository: Repository) -> None:
    [table] = (archive_of(opened) / "index").iterdir()
    assert checked(opened).damages == ()
    table.chmod(0o644)
    with closing(sqlite3.connect(table)) as connection:
        connection.execute("UPDATE entry SET size = size + 1 WHERE package = 'hello'")
        connection.commit()

    found = checked(opened)
    repaired = checked(opened, REPAIR)

    [damage] = found.damages
    assert (damage.finding.fault, damage.outcome) == ("it does not say what its index says", Outcome.BAD)
    assert names(damage) == ["index main/binary-amd64/Packages"]
    assert ([each.outcome for each in repaired.damages], repaired.exit_status) == ([Outcome.DELETED], 0)
    assert checked(opened).damages == ()


def test_a_finished_check_is_repaired_without_reading_all_again(opened: Opened, repository: Repository) -> None:
    rot(archive_of(opened), repository.binary("hello").sha256, 5)
    first = checked(opened)
    rot(archive_of(opened), repository.binary("large").sha256, 5)  # not seen by then
    told: list[str] = []

    found = checked(opened, REPAIR, NOW + timedelta(hours=2), told)

    assert first.exit_status == 3
    assert told == ["repairing what was found by the check that began 2 hours ago; --restart begins anew"]
    assert [names(each) for each in found.damages] == [["package hello 1.0 amd64"]]
    assert (found.is_resumed, found.counts) == (True, first.counts)
    assert len(checked(opened).damages) == 1
    assert len(checked(opened, Wish(is_repair=True, is_restart=True)).damages) == 1


def test_earlier_generations_count_and_are_told_as_such(opened: Opened, repository: Repository) -> None:
    before = opened.store.load()
    rot(archive_of(opened), repository.binary("hello").sha256, 5)
    transitions.reset(opened.store, before, None)

    found = checked(opened)

    [need] = found.damages[0].needs
    assert (need.generation, need.is_current) == (before.id, False)
    assert f"needed by {opened.environment.root} (generation {before.id[:12]})" in "\n".join(found.lines())


def test_a_folder_that_is_no_archive_is_told_and_not_made_one(opened: Opened) -> None:
    (archive_of(opened) / "version").unlink()

    with pytest.raises(UsageError, match="is no aptfreeze archive"):
        checked(opened)


def test_without_a_lock_file_the_archive_is_checked_all_the_same(opened: Opened, repository: Repository) -> None:
    rot(archive_of(opened), repository.binary("hello").sha256, 5)
    opened.environment.lock_file.write_text("<<<<<<< conflict")

    found = checked(opened)

    assert names(found.damages[0]) == ["package hello 1.0 amd64"]  # by the copies of generations


def test_a_full_disk_is_an_error_and_the_damaged_object_stays(
    opened: Opened, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    rot(archive_of(opened), repository.binary("hello").sha256, 5)
    before = set(objects_of(archive_of(opened)))
    free = os.fstatvfs

    class Full:
        f_bfree, f_frsize = 0, 4096

    monkeypatch.setattr(os, "fstatvfs", lambda fd: Full)
    with pytest.raises(StorageError, match="No space left"):
        checked(opened, REPAIR)
    monkeypatch.setattr(os, "fstatvfs", free)

    assert set(objects_of(archive_of(opened))) == before
    assert checked(opened, REPAIR).exit_status == 0
    assert every_object_verifies(archive_of(opened)) == len(before)


def test_other_environments_are_known_by_the_archive(
    opened: Opened, make_repository: MakeRepository, origin: Origin, tmp_path: Path
) -> None:
    """One that can be looked at, with mirrors of its own, and one whose folder is gone."""
    other = make_repository("other")
    other.add("theirs", "1.0")
    other.publish()
    moved = f'[mirrors]\n"{key_of(other).repository}" = ["{origin.url}/moved"]'
    theirs = pinned_environment(tmp_path / "theirs", other, configuration=moved)
    gone = pinned_environment(tmp_path / "gone", other)
    for each in (theirs, gone):
        with open_archive_for(each.store, opened.settings):
            fill(archive_of(opened), other)
    other.root.rename(origin.root / "moved")
    shutil.rmtree(gone.environment.root)
    rot(archive_of(opened), other.binary("theirs").sha256, 5)

    found = checked(opened, REPAIR)

    [damage] = found.damages
    assert damage.outcome is Outcome.REPAIRED
    host = os.uname().nodename
    assert sorted((need.environment, need.is_current) for need in damage.needs) == sorted(
        [(str(theirs.environment.root), True), (f"{host}:{gone.environment.root}", False)]
    )
    assert origin.count("/moved/*") == 1
