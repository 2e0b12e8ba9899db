# SPDX-License-Identifier: MIT
"""What is written, what is refused, and that the same state is always the same bytes."""

import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from aptfreeze.describe.extent import Wish
from aptfreeze.environment.absent import Absences
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import IntegrityError, UsageError
from aptfreeze.freeze.digest import Digest
from aptfreeze.trust.keyring import Keyring
from aptfreeze.verbs.export import export
from aptfreeze.verbs.import_ import import_
from support.archive import objects_of, quarantined, rot
from support.handing import elsewhere, exportable, exported
from support.keeping import key_of, used
from support.repository import MakeRepository, Repository


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    repository = make_repository()
    repository.add("hello", "1.0")
    repository.add("tool", "1.0")
    repository.add("other", "1.0")
    repository.add_source("hello", "1.0")
    repository.publish()
    return repository


@pytest.fixture
def opened(repository: Repository, tmp_path: Path) -> Opened:
    """`hello` was used."""
    return exportable(tmp_path / "product", repository, "hello")


def listed(out: Path) -> dict[str, Any]:
    return {row["path"]: row for row in json.loads((out / "export.json").read_bytes())["files"]}


def lose(opened: Opened, *digests: str) -> None:
    for digest in digests:
        objects_of(opened.settings.archive.path)[digest].unlink()


def test_every_file_is_listed_and_has_the_size_and_hash_that_are_told(opened: Opened, tmp_path: Path) -> None:
    found = exported(opened, out := tmp_path / "out")

    files = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    told = {path: (row["size"], row["sha256"]) for path, row in listed(out).items()}
    assert told == {
        path: (len(data), Digest.of(data).hex)
        for path, data in files.items()
        if path not in ("export.json", "SHA256SUMS")
    }
    assert found.data()["files"] == len(told)
    assert (found.exit_status, found.data()["linked"] > 0) == (0, True)


def test_only_what_was_used_is_in_it(opened: Opened, repository: Repository, tmp_path: Path) -> None:
    exported(opened, tmp_path / "used")
    exported(opened, tmp_path / "all", is_all=True)

    def packages(name: str) -> set[str]:
        return {path.name.partition("_")[0] for path in (tmp_path / name).rglob("*.deb")}

    assert packages("used") == {"hello"}
    assert packages("all") == {"hello", "tool", "other"}


def test_objects_are_shared_with_the_archive(opened: Opened, repository: Repository, tmp_path: Path) -> None:
    exported(opened, tmp_path / "out")

    (deb,) = (tmp_path / "out").rglob("*.deb")
    held = objects_of(opened.settings.archive.path)[repository.binary("hello").sha256]
    assert os.path.samestat(deb.stat(), held.stat())


def test_the_same_state_is_the_same_bytes(opened: Opened, repository: Repository, tmp_path: Path) -> None:
    for name in ("one.tar", "two.tar"):
        exported(opened, tmp_path / name)
        used(opened, repository, "hello")  # another session, that was served the same
    stream = io.BytesIO()
    export(opened, Wish(), stream)

    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes() == stream.getvalue()


def test_a_folder_and_a_tar_archive_have_the_same(opened: Opened, tmp_path: Path) -> None:
    exported(opened, tmp_path / "out")
    exported(opened, tmp_path / "out.tar")

    with tarfile.open(tmp_path / "out.tar") as tar:
        members = tar.getmembers()
        epoch = opened.store.load().created.timestamp()
        assert {member.mtime for member in members} == {epoch}
        assert members[0].name == "export.json"
        packed = {member.name: tar.extractfile(member).read() for member in members}  # type: ignore[union-attr]  # all are files
    root = tmp_path / "out"
    assert packed == {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_what_the_archive_lacks_is_named_with_what_fetches_it_and_nothing_is_written(
    opened: Opened, repository: Repository, tmp_path: Path
) -> None:
    lose(opened, repository.binary("hello").sha256)

    for target in ("out", "out.tar"):
        with pytest.raises(IntegrityError, match="the archive lacks 1 file of it, and nothing was written") as missing:
            exported(opened, tmp_path / target)
        assert "package hello 1.0 amd64 (" in str(missing.value)
        assert str(missing.value).endswith("Hint: aptfreeze fetch")
    assert {path.name for path in tmp_path.iterdir()} & {"out", "out.tar", ".out.part", ".out.tar.part"} == set()


def test_sources_are_in_it_if_they_are_meant(opened: Opened, repository: Repository, tmp_path: Path) -> None:
    exported(opened, tmp_path / "without")
    exported(opened, tmp_path / "with", with_sources=True)

    assert [path.name for path in (tmp_path / "without").rglob("*.dsc")] == []
    assert [path.name for path in (tmp_path / "with").rglob("*.dsc")] == ["hello_1.0.dsc"]
    assert "Types: deb deb-src" in (tmp_path / "with/aptfreeze.sources").read_text()
    assert "deb-src" not in (tmp_path / "without/aptfreeze.sources").read_text()
    lose(opened, *repository.sources["hello"].sha256.values())
    with pytest.raises(IntegrityError) as missing:
        exported(opened, tmp_path / "more", with_sources=True)
    assert str(missing.value).endswith("Hint: aptfreeze fetch --sources")


def test_a_source_that_no_suite_lists_is_told_and_the_rest_is_written(
    opened: Opened, repository: Repository, tmp_path: Path
) -> None:
    used(opened, repository, "tool")

    found = exported(opened, tmp_path / "out", with_sources=True)

    assert found.exit_status == 3
    assert "MISSING source tool 1.0 of tool 1.0 amd64" in "\n".join(found.lines())
    assert (tmp_path / "out/README").exists()


@pytest.mark.parametrize("policy", ["archive", "require", "off"])
def test_a_sources_index_counts_as_the_policy_says(repository: Repository, tmp_path: Path, policy: str) -> None:
    opened = exportable(tmp_path, repository, "hello", configuration=f'[policy]\nsources = "{policy}"')
    exported(opened, tmp_path / "held")
    assert list((tmp_path / "held").rglob("Sources.*")) != []
    for path in (repository.suite_folder / "main/source").glob("Sources.*"):
        lose(opened, Digest.of(path.read_bytes()).hex)

    if policy == "require":
        with pytest.raises(IntegrityError, match="source index main/source/Sources"):
            exported(opened, tmp_path / "out")
    else:
        exported(opened, tmp_path / "out")


def test_what_is_damaged_goes_to_quarantine_and_nothing_is_written(
    opened: Opened, repository: Repository, tmp_path: Path
) -> None:
    digest = repository.binary("hello").sha256
    rot(opened.settings.archive.path, digest, 100)

    with pytest.raises(IntegrityError, match=r"hello_1.0_amd64.deb: .* is damaged in the archive"):
        exported(opened, tmp_path / "out.tar")

    assert quarantined(opened.settings.archive.path) == {digest}
    assert {path.name for path in tmp_path.iterdir()} == {"product", "mirror"}


def test_where_nothing_is_pinned_or_known_nothing_is_written(
    repository: Repository, opened: Opened, tmp_path: Path
) -> None:
    empty = elsewhere(tmp_path / "empty")
    empty.store.init()
    with pytest.raises(IntegrityError, match="there is nothing to export"):
        exported(empty, tmp_path / "out")
    for path in opened.environment.records.rglob("*.jsonl"):
        path.unlink()
    with pytest.raises(IntegrityError, match="or export all that the indexes list with --all"):
        exported(opened, tmp_path / "out")
    exported(opened, tmp_path / "out", is_all=True)


@pytest.mark.parametrize("name", ["out.tar.zst", "out.tgz", "out.tar.xz"])
def test_a_compressed_file_is_told_how(opened: Opened, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"aptfreeze export - \| zstd > FILE"):
        exported(opened, tmp_path / name)


def test_a_folder_that_cannot_be_made_is_told(opened: Opened, tmp_path: Path) -> None:
    for name in ("missing/out", "missing/out.tar"):
        with pytest.raises(UsageError, match=r"cannot write .*No such file or directory"):
            exported(opened, tmp_path / name)


# --- keys and passwords ---


def test_the_signers_certificates_are_in_it(opened: Opened, repository: Repository, tmp_path: Path) -> None:
    found = exported(opened, tmp_path / "out")

    (keyring,) = (tmp_path / "out/keyrings").iterdir()
    assert repository.key is not None
    (certificate,) = Keyring.parse("it", keyring.read_bytes()).certificates
    assert certificate.primary.public.fingerprint == repository.key.fingerprint
    assert found.without_key == ()


def test_a_signer_that_no_keyring_knows_is_told(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "product/environment/aptfreeze.toml").unlink()
    other = elsewhere(tmp_path / "product")

    found = exported(other, tmp_path / "out")

    assert "NO KEY of 127.0.0.1" in "\n".join(found.lines())
    assert not (tmp_path / "out/keyrings").exists()
    assert "Signed-By" not in (tmp_path / "out/aptfreeze.sources").read_text()


def test_no_private_key_and_no_password_is_in_it(repository: Repository, tmp_path: Path) -> None:
    secret = "fd0e4a6b-secret"
    configuration = f"""\
resign = true
# by hand: http://me:{secret}@proxy.example.org
[fetch]
proxy = "http://me:{secret}@proxy.example.org:3128"
credentials = ["/{secret}/auth.conf"]
[policy]
credentials = "/{secret}"
"""
    opened = exportable(tmp_path, repository, "hello", configuration=configuration)
    key = opened.signing_key()
    assert key is not None

    found = exported(opened, tmp_path / "out.tar")

    data = (tmp_path / "out.tar").read_bytes()
    assert secret.encode() not in data
    assert key.private not in data
    assert b"PRIVATE KEY" not in data
    assert found.data()["left_out"] == ["policy.credentials", "fetch.credentials", "fetch.proxy"]


# --- what goes with it ---


def test_bills_of_materials_go_with_it(opened: Opened, tmp_path: Path) -> None:
    bill = tmp_path / "image.cdx.json"
    bill.write_text("{}")

    export(opened, Wish(), str(tmp_path / "out"), bills=[bill])

    assert (tmp_path / "out/sbom/image.cdx.json").read_text() == "{}"
    assert "sbom/image.cdx.json" in listed(tmp_path / "out")
    for bills in ([bill, bill], [tmp_path / "missing"]):
        with pytest.raises(UsageError, match="cannot go with the export"):
            export(opened, Wish(), str(tmp_path / "more"), bills=bills)


def test_what_no_mirror_had_is_told_as_far_as_it_belongs_to_it(
    opened: Opened, repository: Repository, tmp_path: Path
) -> None:
    absences = Absences(opened.environment.absent)
    known = Digest.of((repository.suite_folder / "main/binary-amd64/Packages.xz").read_bytes())
    absences.remember(key_of(repository).repository, "dists/bookworm/main/binary-amd64/Packages.xz", known)
    absences.remember(key_of(repository).repository, "dists/other/x", Digest.of(b"of another state"))
    absences.remember("other.example.org", "dists/other/x", known)

    exported(opened, tmp_path / "out")
    there = elsewhere(tmp_path / "there")
    import_(there, str(tmp_path / "out"))

    (line,) = (tmp_path / "out/absent.jsonl").read_text().splitlines()
    assert json.loads(line)["digest"] == str(known)
    brought = Absences(there.environment.absent)
    assert (key_of(repository).repository, known) in brought
    assert ("other.example.org", known) not in brought
