# SPDX-License-Identifier: MIT
"""What is removed from an archive, and what stays for whom."""

import fcntl
import os
import shutil
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from aptfreeze.archive.layout import Layout as Archive
from aptfreeze.archive.objects import Objects
from aptfreeze.archive.registry import Registry
from aptfreeze.describe.garbage import Garbage
from aptfreeze.environment import transitions
from aptfreeze.environment.config import Surroundings
from aptfreeze.environment.known import open_archive_for
from aptfreeze.environment.opened import Opened, open_environment
from aptfreeze.errors import IntegrityError, StorageError, UsageError
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import BarePackages, Pin, ReleasePair, SuiteKey
from aptfreeze.settings import GcSettings
from aptfreeze.verbs.gc import Wish, chosen, gc
from support.archive import every_object_verifies, objects_of, rot
from support.keeping import fill, key_of, pin_of, pinned_environment, used
from support.packages import hexdigest
from support.repository import MakeRepository, Repository

DAY_S = 24 * 3600
HOUR_S = 3600
DEFAULT = GcSettings()


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    repository = make_repository()
    repository.add("hello", "1.0")
    repository.add("other", "1.0")
    repository.add_source("hello", "1.0")
    repository.publish()
    return repository


@pytest.fixture
def opened(repository: Repository, tmp_path: Path) -> Opened:
    opened = pinned_environment(tmp_path / "one", repository)
    fill(opened.settings.archive.path, repository)
    objects_of(archive_of(opened))[hexdigest("SHA256", (repository.suite_folder / "Release.gpg").read_bytes())].unlink()
    known(opened)
    return opened


def known(opened: Opened) -> None:
    """As after any command in that environment."""
    with open_archive_for(opened.store, opened.settings):
        pass


def beside(opened: Opened, folder: Path, repository: Repository) -> Opened:
    """Another environment with the same archive."""
    other = pinned_environment(folder, repository)
    flags = {"archive.path": str(opened.settings.archive.path)}
    return open_environment("a test", Surroundings({"HOME": "/"}, other.environment.root), flags)


def archive_of(opened: Opened) -> Path:
    return opened.settings.archive.path


def moved(opened: Opened, repository: Repository) -> None:
    """The repository's next state is pinned instead of the one before, and archived."""
    fill(archive_of(opened), repository)
    transitions.update(opened.store, opened.store.load(), {key_of(repository): pin_of(repository)}, {})


def put(opened: Opened, data: bytes) -> Digest:
    with closing(Objects(archive_of(opened))) as objects:
        return objects.put(data)


def names_of(repository: Repository, *names: str) -> set[str]:
    """The objects of these packages."""
    return {Digest.of(repository.binary(name).build()).hex for name in names}


def held(opened: Opened) -> set[str]:
    every_object_verifies(archive_of(opened))
    return set(objects_of(archive_of(opened)))


def collected(opened: Opened, *keep: str, settings: GcSettings = DEFAULT, later_s: float = 0) -> Garbage:
    wish = Wish(settings, keep=keep, with_items=True)
    return gc(opened, wish, clock=lambda: time.time() + later_s)


ONE = GcSettings(keep_generations=1)


# --- what stays ---


def test_all_that_follows_from_a_pin_stays_whoever_used_it(opened: Opened, repository: Repository) -> None:
    stray = put(opened, b"!<arch>\nnobody's")
    before = held(opened)

    found = collected(opened)

    assert before - held(opened) == {stray.hex}
    assert {kind: amount.files for kind, amount in found.unneeded.items()} == {"packages": 1}
    assert (found.deleted.files, found.waiting.files) == (1, 0)
    [kept] = found.kept
    assert kept.further.files == len(before) - 1
    assert found.items[0].sha256.hex() == stray.hex


def test_the_earlier_generations_stay_as_far_as_wanted(opened: Opened, repository: Repository) -> None:
    first = names_of(repository, "hello", "other")
    repository.add("hello", "2.0")
    repository.publish()
    moved(opened, repository)

    collected(opened, settings=GcSettings(keep_generations=2))
    assert first | names_of(repository, "hello") <= held(opened)

    found = collected(opened, settings=ONE)
    assert first - held(opened) == first - names_of(repository, "other")
    assert names_of(repository, "hello", "other") <= held(opened)
    assert "hello 1.0 amd64" in {item.name for item in found.items}
    assert {"packages", "indexes"} == set(found.unneeded)


def test_a_state_that_is_named_stays(opened: Opened, repository: Repository, tmp_path: Path) -> None:
    first = names_of(repository, "hello")
    shutil.copy(opened.environment.lock_file, tmp_path / "release.lock")
    repository.add("hello", "2.0")
    repository.publish()
    moved(opened, repository)

    found = collected(opened, str(tmp_path / "release.lock"), settings=ONE)

    assert first <= held(opened)
    assert found.kept[-1].root.name == str(tmp_path / "release.lock")
    assert found.kept[-1].further.files > 0


def test_a_state_that_nobody_knows_is_refused_and_nothing_is_removed(opened: Opened) -> None:
    stray = put(opened, b"nobody's")
    with pytest.raises(UsageError, match="is no state"):
        collected(opened, "no-such-tag")
    assert stray.hex in held(opened)


def test_what_another_environment_pins_stays(opened: Opened, repository: Repository, tmp_path: Path) -> None:
    known(beside(opened, tmp_path / "two", repository))
    repository.add("hello", "2.0")
    before = names_of(repository, "other")
    repository.remove("other")
    repository.publish()
    moved(opened, repository)

    collected(opened, settings=ONE)

    assert before <= held(opened)


def test_a_provisional_pin_is_a_pin(opened: Opened, make_repository: MakeRepository, tmp_path: Path) -> None:
    other = make_repository("vendor")
    other.add("tool", "1.0")
    other.publish()
    fill(archive_of(opened), other)
    opened.store.add_provisional(opened.store.load().id, key_of(other), pin_of(other))

    collected(opened)

    assert names_of(other, "tool") <= held(opened)


def test_single_files_and_unsigned_suites_stay(opened: Opened, make_repository: MakeRepository) -> None:
    flat = make_repository("flat", key=None, flat=True)
    flat.add("tool", "1.0")
    flat.publish()
    fill(archive_of(opened), flat)
    files = [flat.root / "Release", flat.root / "Packages.gz"]
    key = put(opened, b"a key")
    release, packages = (Digest.of(path.read_bytes()) for path in files)
    generation = opened.store.load()
    pins = {
        key_of(flat): Pin(ReleasePair(release, None), flat.date),
        SuiteKey("mirror.example.org/bare", "./"): Pin(BarePackages(packages, "Packages.gz"), None),
    }
    for suite, pin in pins.items():
        opened.store.add_provisional(generation.id, suite, pin)
    opened.store.commit(generation.id, pins)
    opened.store.add_extra(generation.id, "mirror.example.org/key.asc", key)

    collected(opened)

    assert {release.hex, packages.hex, key.hex} | names_of(flat, "tool") <= held(opened)


def test_what_the_chain_lists_otherwise_stays(make_repository: MakeRepository, tmp_path: Path) -> None:
    """Installer images, files known by another hash than sha256, the text of an InRelease."""
    repository = make_repository(hashes=("SHA512",))
    repository.add("hello", "1.0")
    repository.add_installer({"netboot/mini.iso": b"image"})
    repository.publish()
    opened = pinned_environment(tmp_path / "one", repository)
    with closing(Objects(archive_of(opened))) as objects:
        for path in (path for path in repository.root.rglob("*") if path.is_file()):
            data = path.read_bytes()
            temporary = objects.layout.temporary()
            temporary.write_bytes(data)
            objects.adopt(temporary, Digest.of(data), [Digest.parse("sha512:" + hexdigest("SHA512", data))])
    with open_archive_for(opened.store, opened.settings) as archive:
        payload = archive.lookup(offline=True).store_payload(key_of(repository), pin_of(repository))

    collected(opened)

    assert {payload.hex, Digest.of(b"image").hex} | names_of(repository, "hello") <= held(opened)


def test_what_is_recorded_stays_where_no_index_is_held(repository: Repository, tmp_path: Path) -> None:
    opened = pinned_environment(tmp_path / "one", repository)
    fill(archive_of(opened), repository, "InRelease")
    fill(archive_of(opened), repository, "*.deb")
    used(opened, repository, "hello")

    collected(opened)

    assert names_of(repository, "hello") <= held(opened)
    assert not names_of(repository, "other") & held(opened)


# --- who is known ---


def age(opened: Opened, days: float) -> None:
    registry = Registry(Archive(archive_of(opened)))
    for entry in registry.entries():
        path = archive_of(opened) / "environments" / entry.key / "about.json"
        os.utime(path, (time.time() - days * DAY_S,) * 2)


@pytest.fixture
def elsewhere(opened: Opened, tmp_path: Path) -> Opened:
    """An environment without a pin, from where the archive is looked after."""
    (tmp_path / "elsewhere").mkdir()
    flags = {"archive.path": str(archive_of(opened))}
    return open_environment("a test", Surroundings({"HOME": "/"}, tmp_path / "elsewhere"), flags)


def test_a_folder_that_is_gone_is_known_for_thirty_days(
    opened: Opened, elsewhere: Opened, repository: Repository
) -> None:
    shutil.rmtree(opened.environment.root)
    age(opened, 29)
    found = collected(elsewhere)
    assert names_of(repository, "hello", "other") <= held(opened)
    assert (found.kept[0].root.is_seen, found.kept[0].is_gone) == (False, False)

    age(opened, 31)
    found = collected(elsewhere)
    assert held(opened) == set()
    assert found.kept[0].is_gone
    assert Registry(Archive(archive_of(opened))).entries() == []


def test_a_folder_that_is_there_is_known_for_ever(opened: Opened, elsewhere: Opened, repository: Repository) -> None:
    age(opened, 1000)
    collected(elsewhere)
    assert names_of(repository, "hello") <= held(opened)
    [entry] = Registry(Archive(archive_of(opened))).entries()
    assert time.time() - entry.seen.timestamp() < DAY_S


def test_a_generation_that_a_process_works_with_stays(opened: Opened, repository: Repository) -> None:
    first = names_of(repository, "hello")
    with open_archive_for(opened.store, opened.settings):
        other = open_environment(
            "another", Surroundings({"HOME": "/"}, opened.environment.root), {"archive.path": str(archive_of(opened))}
        )
        repository.add("hello", "2.0")
        repository.publish()
        moved(other, repository)
        collected(other, settings=ONE)
        collected(other, settings=ONE, later_s=3 * HOUR_S)
        assert first <= held(opened)
    collected(other, settings=ONE)
    assert not first & held(opened)


# --- builds beside it ---


def test_what_is_condemned_while_the_archive_is_in_use_is_removed_an_hour_later(opened: Opened) -> None:
    with open_archive_for(opened.store, opened.settings) as archive:
        stray = archive.objects.put(b"nobody's")
        found = collected(opened)
        assert (found.deleted.files, found.waiting.files) == (0, 1)
        assert stray.hex not in held(opened)
        found = collected(opened, later_s=HOUR_S - 60)
        assert (found.deleted.files, found.waiting.files) == (0, 1)
        found = collected(opened, later_s=HOUR_S + 60)
        assert (found.deleted.files, found.waiting.files) == (1, 0)
        assert not archive.objects.has(stray)


def test_what_a_build_looks_for_is_taken_back_at_once(opened: Opened) -> None:
    with open_archive_for(opened.store, opened.settings) as archive:
        stray = archive.objects.put(b"nobody's")
        collected(opened)
        assert stray.hex not in held(opened)
        assert archive.objects.read(stray) == b"nobody's"
        assert stray.hex in held(opened)
        found = collected(opened, later_s=HOUR_S + 60)
        assert (found.deleted.files, found.waiting.files) == (0, 1)


def test_what_is_pinned_after_it_was_condemned_is_taken_back(
    opened: Opened, repository: Repository, tmp_path: Path
) -> None:
    first, lock = names_of(repository, "hello"), opened.environment.lock_file.read_bytes()
    repository.add("hello", "2.0")
    repository.publish()
    moved(opened, repository)
    with open_archive_for(opened.store, opened.settings):
        collected(opened, settings=ONE)
        assert not first & held(opened)
        opened.environment.lock_file.write_bytes(lock)
        collected(opened, settings=ONE)
        assert first <= held(opened)


def test_only_one_at_a_time_and_the_other_says_who_it_is(opened: Opened) -> None:
    mutex = archive_of(opened) / "gc.mutex"
    collected(opened)
    with mutex.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match=r"gc\.mutex is held by .*a test"):
            collected(opened)


def test_a_dry_run_removes_nothing(opened: Opened) -> None:
    put(opened, b"nobody's")
    before = held(opened)
    found = gc(opened, Wish(DEFAULT, is_dry_run=True))
    assert held(opened) == before
    assert sum(amount.files for amount in found.unneeded.values()) == 1
    assert found.items == ()
    assert "nothing was removed (--dry-run)" in list(found.lines())
    assert found.data()["deleted"] == {"files": 0, "bytes": 0}


# --- what cannot be told ---


def refused(opened: Opened, match: str, error: type[Exception] = IntegrityError) -> None:
    before = held(opened)
    with pytest.raises(error, match=match):
        collected(opened)
    assert held(opened) == before


def test_an_index_that_is_damaged_removes_nothing_neither_now_nor_next_time(
    opened: Opened, repository: Repository
) -> None:
    put(opened, b"nobody's")
    for suffix in (".gz", ".xz"):
        data = (repository.suite_folder / f"main/binary-amd64/Packages{suffix}").read_bytes()
        rot(archive_of(opened), hexdigest("SHA256", data), 30)
    with pytest.raises(IntegrityError, match=r"main/binary-amd64/Packages of .* cannot be read"):
        collected(opened)
    with pytest.raises(IntegrityError, match=r"main/binary-amd64/Packages of .* cannot be read"):
        collected(opened)
    refused(opened, "main/binary-amd64/Packages of .* was damaged and is in quarantine")
    fill(archive_of(opened), repository, "Packages.xz")
    assert collected(opened).deleted.files == 1


def test_a_pinned_file_that_is_damaged_removes_nothing(opened: Opened, repository: Repository) -> None:
    rot(archive_of(opened), hexdigest("SHA256", (repository.suite_folder / "InRelease").read_bytes()), 200)
    with pytest.raises(IntegrityError, match=r"InRelease of .* cannot be read"):
        collected(opened)
    refused(opened, "InRelease of .* was damaged and is in quarantine")


def test_a_pinned_file_that_is_lost_removes_nothing_if_it_was_used(opened: Opened, repository: Repository) -> None:
    used(opened, repository, "hello")
    objects_of(archive_of(opened))[hexdigest("SHA256", (repository.suite_folder / "InRelease").read_bytes())].unlink()
    refused(opened, "was served packages of .* whose pinned file")


def test_a_pinned_file_that_was_never_there_is_told(opened: Opened, make_repository: MakeRepository) -> None:
    other = make_repository("vendor")
    other.publish()
    generation = opened.store.load()
    opened.store.add_provisional(generation.id, key_of(other), pin_of(other))
    opened.store.commit(generation.id, {key_of(other): pin_of(other)})

    found = collected(opened)

    [notice] = found.notices
    assert f"the pinned file of {key_of(other)}" in notice


def test_a_lock_file_that_cannot_be_read_removes_nothing(opened: Opened, elsewhere: Opened) -> None:
    opened.environment.lock_file.write_text("<<<<<<< ours\n")
    refused(elsewhere, "what .*/one/environment needs cannot be told, so nothing was removed", UsageError)


def test_an_archive_that_can_only_be_read_is_an_error(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    really: Callable[..., bool] = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and really(path, mode))
    with pytest.raises(StorageError, match="can only be read"):
        collected(opened)


# --- leftovers ---


def test_leftovers_and_unneeded_tables_go_too(opened: Opened, repository: Repository) -> None:
    archive = archive_of(opened)
    collected(opened)
    needed = {path.name for path in (archive / "index").iterdir()}
    (archive / "partial" / f"sha256-{'0' * 64}").write_bytes(b"half")
    (archive / "tmp" / "1-2-3").write_bytes(b"half")
    (archive / "index" / f"sha256-{'0' * 64}.sqlite").write_bytes(b"")

    assert [each.kind for each in collected(opened, later_s=DAY_S - 60).leftovers] == ["look-up tables"]
    found = collected(opened, later_s=DAY_S + 60)

    assert sorted(each.kind for each in found.leftovers) == ["temporary files", "unfinished downloads"]
    assert {path.name for path in (archive / "index").iterdir()} == needed


# --- flags ---


def test_flags_beat_settings_and_are_checked() -> None:
    assert chosen(DEFAULT, None, None) == DEFAULT
    assert chosen(DEFAULT, 2, 0) == GcSettings(2, 0)
    with pytest.raises(UsageError, match="--keep-generations 0"):
        chosen(DEFAULT, 0, None)
    with pytest.raises(UsageError, match="--keep-environments -1"):
        chosen(DEFAULT, None, -1)
