# SPDX-License-Identifier: MIT
"""Exports come back whole, and what is damaged, incomplete or hostile does not come at all."""

import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aptfreeze.environment import records
from aptfreeze.environment.bringing import Outcome, Outcomes
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import AptfreezeError, IntegrityError, RefusedError, UsageError
from aptfreeze.freeze.digest import Digest
from aptfreeze.verbs.import_ import Imported, import_
from support.archive import every_object_verifies, objects_of, rot
from support.environments import SECURITY, pin, with_pins
from support.handing import elsewhere, exportable, exported
from support.repository import Repository

NEW = Outcomes(Outcome.NEW, Outcome.NEW, Outcome.NEW)


@pytest.fixture
def opened(repository: Repository, tmp_path: Path) -> Opened:
    return exportable(tmp_path / "product", repository, "hello")


@pytest.fixture(params=["out", "out.tar"])
def out(request: pytest.FixtureRequest, opened: Opened, tmp_path: Path) -> Path:
    target = tmp_path / str(request.param)
    exported(opened, target)
    return target


@pytest.fixture
def folder(opened: Opened, tmp_path: Path) -> Path:
    """An export as a folder that shares nothing with the archive, to be changed."""
    exported(opened, tmp_path / "shared")
    shutil.copytree(tmp_path / "shared", tmp_path / "export")
    return tmp_path / "export"


@pytest.fixture
def there(tmp_path: Path) -> Opened:
    return elsewhere(tmp_path / "there")


def imported(there: Opened, source: Path) -> Imported:
    return import_(there, str(source))


def state_of(tmp_path: Path) -> set[str]:
    """Every file of the other environment but those of the archive and the mutex."""
    root = tmp_path / "there/environment"
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def fails(there: Opened, source: Path, error: type[AptfreezeError], match: str) -> None:
    """The import fails so, and there is no environment."""
    with pytest.raises(error, match=match):
        imported(there, source)
    assert not there.environment.lock_file.exists()
    assert not there.environment.config_file.exists()
    every_object_verifies(there.settings.archive.path)


def test_environment_and_archive_come_back(opened: Opened, there: Opened, out: Path) -> None:
    found = imported(there, out)

    assert found.outcomes == NEW
    assert there.environment.lock_file.read_bytes() == opened.environment.lock_file.read_bytes()
    assert there.environment.config_file.read_bytes() == opened.environment.config_file.read_bytes()
    generation = there.store.load()
    usages = [records.load(each.environment.records, generation.id) for each in (opened, there)]
    assert usages[0].packages == usages[1].packages != ()
    assert usages[0].indexes == usages[1].indexes != ()
    assert every_object_verifies(there.settings.archive.path) == found.new


def test_what_came_back_is_exported_as_the_same_bytes(there: Opened, out: Path, tmp_path: Path) -> None:
    imported(there, out)

    exported(elsewhere(tmp_path / "there"), tmp_path / "again.tar")  # opened anew, with the configuration that came
    exported(elsewhere(tmp_path / "product"), tmp_path / "first.tar")

    assert (tmp_path / "again.tar").read_bytes() == (tmp_path / "first.tar").read_bytes()


def test_the_same_again_stores_nothing(there: Opened, out: Path) -> None:
    imported(there, out)

    again = imported(there, out)

    assert (again.new, again.outcomes) == (0, Outcomes(Outcome.SAME, Outcome.SAME, Outcome.SAME))


def test_a_folder_of_ours_is_shared(opened: Opened, there: Opened, tmp_path: Path, repository: Repository) -> None:
    exported(opened, tmp_path / "out")

    found = imported(there, tmp_path / "out")

    assert found.linked == found.new
    held = [objects_of(each.settings.archive.path)[repository.binary("hello").sha256] for each in (opened, there)]
    assert held[0].stat().st_ino == held[1].stat().st_ino


def test_a_stream_comes_as_a_file_does(opened: Opened, there: Opened, tmp_path: Path) -> None:
    exported(opened, tmp_path / "out.tar")

    with (tmp_path / "out.tar").open("rb") as stream:
        assert import_(there, stream).outcomes == NEW


def test_what_was_unpacked_comes_too(opened: Opened, there: Opened, tmp_path: Path) -> None:
    exported(opened, tmp_path / "out.tar")
    with tarfile.open(tmp_path / "out.tar") as tar:
        tar.extractall(tmp_path / "unpacked", filter="data")

    assert imported(there, tmp_path / "unpacked").outcomes == NEW


def test_an_environment_with_another_generation_is_refused_before_much_is_read(
    opened: Opened, there: Opened, out: Path
) -> None:
    own = with_pins(there, {SECURITY: pin(1)})

    with pytest.raises(RefusedError, match=rf"has generation {own.id} .*{opened.store.load().id}"):
        imported(there, out)

    assert objects_of(there.settings.archive.path) == {}
    assert there.store.load() == own


def test_what_is_held_and_damaged_is_repaired(
    opened: Opened, there: Opened, repository: Repository, tmp_path: Path
) -> None:
    exported(opened, tmp_path / "out.tar")
    imported(there, tmp_path / "out.tar")
    rot(there.settings.archive.path, repository.binary("hello").sha256, 100)

    imported(there, tmp_path / "out.tar")

    every_object_verifies(there.settings.archive.path)


# --- damage ---


def test_a_tar_archive_that_is_cut_off_anywhere_is_an_error_and_can_be_repeated(
    opened: Opened, there: Opened, tmp_path: Path
) -> None:
    exported(opened, whole := tmp_path / "out.tar")
    data = whole.read_bytes()
    for kept in range(0, len(data.rstrip(b"\0")), 5003):
        (tmp_path / "cut.tar").write_bytes(data[:kept])
        fails(there, tmp_path / "cut.tar", IntegrityError, "cut off")

    assert imported(there, whole).outcomes == NEW


def test_one_bit_anywhere_is_noticed(opened: Opened, there: Opened, tmp_path: Path) -> None:
    exported(opened, tmp_path / "out.tar")
    with tarfile.open(tmp_path / "out.tar") as tar:
        places = {member.name: (member.offset_data, member.size) for member in tar}
    data = bytearray((tmp_path / "out.tar").read_bytes())
    for name, (start, size) in places.items():
        if name not in ("SHA256SUMS", "export.json"):
            data[start + size // 2] ^= 1
            (tmp_path / "bad.tar").write_bytes(data)
            fails(there, tmp_path / "bad.tar", IntegrityError, r"is damaged: sha256:\w+ instead of sha256:")
            data[start + size // 2] ^= 1


def test_a_file_that_is_gone_is_named(there: Opened, folder: Path) -> None:
    (deb,) = folder.rglob("*.deb")
    deb.unlink()

    fails(there, folder, IntegrityError, rf"lacks repositories/.*/{deb.name}")


# --- what nobody would make by accident ---


def changed(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads((folder / "export.json").read_bytes())
    change(document)
    (folder / "export.json").write_text(json.dumps(document))


def without(folder: Path, part: str) -> None:
    """The export without the files that have this in their path, and without a word of them."""

    def change(document: dict[str, Any]) -> None:
        document["files"] = [row for row in document["files"] if part not in row["path"]]

    changed(folder, change)


@pytest.mark.parametrize("part", ["InRelease", "Packages", ".deb"])
def test_what_the_pins_lead_to_has_to_be_there(there: Opened, folder: Path, part: str) -> None:
    without(folder, part)
    if part == "Packages":
        without(folder, "binary-amd64/by-hash")

    fails(there, folder, IntegrityError, "the export is not complete: its pins lead to")


def test_without_a_lock_file_it_is_none(there: Opened, folder: Path) -> None:
    without(folder, "aptfreeze.lock")

    fails(there, folder, UsageError, r"has no aptfreeze\.lock")


@pytest.mark.parametrize("field", ["state", "generation"])
def test_a_lock_file_of_another_state_is_told(there: Opened, folder: Path, field: str) -> None:
    other = {"state": str(Digest.of(b"other")), "generation": "0" * 32}[field]
    changed(folder, lambda document: document.update({field: other}))

    fails(there, folder, IntegrityError, rf"export\.json says .*{other}")


def test_a_lock_file_with_other_hashes_than_the_packages_is_told(
    there: Opened, folder: Path, repository: Repository
) -> None:
    """A pin that leads to an InRelease which is not in it."""
    other = Digest.of(b"another InRelease")
    lock = folder / "aptfreeze.lock"
    pinned = Digest.of((repository.suite_folder / "InRelease").read_bytes())
    lock.write_text(lock.read_text().replace(str(pinned), str(other)))
    state = Digest.of(lock.read_bytes()[lock.read_bytes().index(b"[pins]") :])

    def change(document: dict[str, Any]) -> None:
        document["state"] = str(state)
        (row,) = (row for row in document["files"] if row["path"] == "aptfreeze.lock")
        row |= {"size": lock.stat().st_size, "sha256": Digest.of(lock.read_bytes()).hex}

    changed(folder, change)

    fails(there, folder, IntegrityError, r"its pins lead to \d+ files? that it lacks\npinned file dists/bookworm/InRel")


def packed(folder: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    """The export as a tar archive with more in it."""
    target = folder.with_suffix(".tar")
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as tar:
        tar.add(folder / "export.json", "export.json")
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for path in folder.rglob("*"):
            if path.is_file() and path.name != "export.json":
                tar.add(path, str(path.relative_to(folder)))
    return target


@pytest.mark.parametrize("path", ["../evil", "/tmp/evil", "repositories/../../evil", "evil", ".", ""])
def test_what_is_not_listed_is_refused_wherever_it_leads(
    there: Opened, folder: Path, tmp_path: Path, path: str
) -> None:
    before = {each for each in tmp_path.rglob("*") if "there" not in each.parts} | {folder.with_suffix(".tar")}
    source = packed(folder, (tarfile.TarInfo(path), b"evil"))

    fails(there, source, UsageError, r"has, and export\.json does not list")

    assert {each for each in tmp_path.rglob("*") if "there" not in each.parts} == before
    assert objects_of(there.settings.archive.path) == {}
    assert state_of(tmp_path) == set()


@pytest.mark.parametrize("path", ["../evil", "/tmp/evil", "repositories/../../evil", "repositories//evil"])
def test_a_listed_path_that_leads_out_is_refused(there: Opened, folder: Path, tmp_path: Path, path: str) -> None:
    row = {"path": path, "size": 4, "sha256": Digest.of(b"evil").hex}
    changed(folder, lambda document: document["files"].append(row))
    source = packed(folder, (tarfile.TarInfo(path), b"evil"))

    fails(there, source, UsageError, "lists a path that no export has")
    fails(there, folder, UsageError, "lists a path that no export has")
    assert state_of(tmp_path) == set()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(there: Opened, folder: Path, tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("aptfreeze.toml")
    member.type, member.linkname = kind, "/etc/passwd"

    fails(there, packed(folder, (member, b"")), UsageError, "an export has only regular files")
    assert state_of(tmp_path) == set()


def test_what_comes_twice_is_refused(there: Opened, folder: Path) -> None:
    readme = (folder / "README").read_bytes()

    fails(there, packed(folder, (tarfile.TarInfo("README"), readme)), UsageError, "has twice: 'README'")


def test_a_link_in_a_folder_gives_nothing_away(there: Opened, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "private").write_text((folder / "aptfreeze.toml").read_text())
    (folder / "aptfreeze.toml").unlink()
    (folder / "aptfreeze.toml").symlink_to(tmp_path / "private")

    fails(there, folder, UsageError, "cannot be read as a file of an export")


def test_records_of_another_generation_are_left_alone(there: Opened, folder: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        (row,) = (row for row in document["files"] if row["path"].startswith("records/"))
        (folder / "records" / ("0" * 32)).mkdir()
        other = f"records/{'0' * 32}/{row['path'].rpartition('/')[2]}"
        shutil.copy(folder / row["path"], folder / other)
        row["path"] = other

    changed(folder, change)

    assert imported(there, folder).outcomes.records is Outcome.NONE


def test_what_is_no_export_is_told(there: Opened, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    fails(there, tmp_path / "empty", UsageError, r"is no export: it has no export\.json")
    (tmp_path / "text").write_text("text " * 1000)
    fails(there, tmp_path / "text", UsageError, "cannot be read as a tar archive")
    fails(there, tmp_path / "missing", UsageError, "cannot read .*missing: No such file")
