# SPDX-License-Identifier: MIT
"""Fetching what an archive lacks, from the tests' mirror and by pins and records that no build has made."""

import shutil
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.describe.extent import Wish
from aptfreeze.describe.fetched import Fetched
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import IntegrityError, StorageError
from aptfreeze.verbs.fetch import fetch
from support.archive import objects_of
from support.keeping import fill, key_of, pinned_environment, used
from support.origin import Origin
from support.repository import MakeRepository, Repository
from support.snapshot import SnapshotService

USED, ALL = Wish(), Wish(is_all=True)


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
    """`hello` was used; the archive is empty."""
    opened = pinned_environment(tmp_path, repository)
    used(opened, repository, "hello")
    return opened


def fetched(opened: Opened, wish: Wish = USED) -> Fetched:
    return fetch(opened, wish, tell=lambda text: None)


def held(opened: Opened) -> set[str]:
    return set(objects_of(opened.settings.archive.path))


def test_used_is_root_indexes_and_what_was_served(opened: Opened, repository: Repository, origin: Origin) -> None:
    found = fetched(opened)

    assert (found.files, found.held, found.fetched, found.lacking) == (4, 0, 4, ())
    assert repository.binary("hello").sha256 in held(opened)
    assert repository.binary("other").sha256 not in held(opened)
    assert found.received[origin.host] == sum(
        path.stat().st_size for path in objects_of(opened.settings.archive.path).values()
    )


def test_all_is_whatever_the_indexes_list_with_their_translation(opened: Opened, repository: Repository) -> None:
    told: list[str] = []

    found = fetch(opened, ALL, tell=told.append)

    assert (found.scope, found.files, found.fetched) == ("all", 1 + 2 + 1 + 2, 6)
    assert repository.binary("other").sha256 in held(opened)
    [line] = told
    assert line.startswith("fetching 2 of 2 files: ")


def test_all_needs_no_record(opened: Opened) -> None:
    shutil.rmtree(opened.environment.records)

    assert fetched(opened, ALL).fetched == 6
    with pytest.raises(IntegrityError, match=r"no run of generation .* is recorded"):
        fetched(opened)


def test_a_translation_that_no_mirror_has_is_no_loss_and_is_not_asked_again(
    opened: Opened, repository: Repository, origin: Origin
) -> None:
    for path in repository.root.rglob("i18n"):
        shutil.rmtree(path)

    first = fetched(opened, ALL)
    origin.forget()
    second = fetched(opened, ALL)

    assert (first.exit_status, first.files, first.fetched) == (0, 5, 5)
    assert (second.exit_status, second.files, second.held) == (0, 5, 5)
    assert origin.asked() == []


def test_sources_of_what_was_used(opened: Opened, repository: Repository) -> None:
    found = fetched(opened, Wish(with_sources=True))

    assert set(repository.sources["hello"].sha256.values()) <= held(opened)
    assert found.fetched == 4 + 2


def test_where_sources_are_switched_off_their_index_is_fetched_only_if_they_are_asked_for(
    repository: Repository, tmp_path: Path
) -> None:
    opened = pinned_environment(tmp_path, repository, configuration='[policy]\nsources = "off"\n')
    used(opened, repository, "hello")

    assert fetched(opened).files == 3
    assert fetched(opened, Wish(with_sources=True)).files == 3 + 1 + 2


def test_another_form_of_an_index_is_fetched_where_the_mirror_lacks_the_first(
    opened: Opened, repository: Repository
) -> None:
    (repository.suite_folder / "main/binary-amd64/Packages.xz").unlink()
    for path in (repository.suite_folder / "main/binary-amd64").rglob("by-hash/*/*"):
        path.unlink()

    found = fetched(opened)

    assert (found.exit_status, found.fetched) == (0, 4)
    gz = (repository.suite_folder / "main/binary-amd64/Packages.gz").read_bytes()
    assert Objects(opened.settings.archive.path).put(gz).hex in held(opened)


def test_a_lost_root_is_told_and_what_was_used_comes_all_the_same(opened: Opened, repository: Repository) -> None:
    repository.add("other", "2.0")
    repository.publish()

    found = fetched(opened)

    assert [each.part for each in found.lacking] == ["pinned file"]
    assert found.exit_status == 4  # the mirror has other bytes under that name now
    assert repository.binary("hello").sha256 in held(opened)


def test_a_lost_root_hinders_no_question_for_all_or_for_sources(opened: Opened, repository: Repository) -> None:
    repository.add("other", "2.0")
    repository.publish()

    assert [each.name for each in fetched(opened, ALL).lacking] == ["dists/bookworm/InRelease"]
    assert [each.name for each in fetched(opened, Wish(with_sources=True)).lacking] == [
        "dists/bookworm/InRelease",
        "hello 1.0",
    ]


def test_what_is_damaged_is_fetched_anew(opened: Opened, repository: Repository) -> None:
    fill(opened.settings.archive.path, repository)
    path = objects_of(opened.settings.archive.path)[repository.binary("hello").sha256]
    path.chmod(0o644)
    path.write_bytes(b"short")

    assert fetched(opened).fetched == 1


def test_an_archive_that_can_only_be_read_is_an_error_at_once(
    opened: Opened, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    Objects(opened.settings.archive.path)
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write everywhere

    with pytest.raises(StorageError, match="can only be read"):
        fetched(opened)


def test_nothing_pinned_is_never_a_success(tmp_path: Path) -> None:
    opened = pinned_environment(tmp_path)

    for wish in (USED, ALL):
        with pytest.raises(IntegrityError, match="nothing is pinned in generation"):
            fetched(opened, wish)


def test_a_single_file_comes_by_its_url(opened: Opened, repository: Repository, origin: Origin) -> None:
    (origin.root / "key.asc").write_bytes(b"key")
    generation = opened.store.load()
    digest = Objects(opened.settings.archive.path).put(b"key")
    opened.store.add_extra(generation.id, f"{origin.host}/key.asc", digest)
    objects_of(opened.settings.archive.path)[digest.hex].unlink()

    assert fetched(opened).exit_status == 0
    assert digest.hex in held(opened)


def test_what_no_mirror_has_comes_from_who_keeps_earlier_states(
    repository: Repository, tmp_path: Path, origin: Origin
) -> None:
    key = key_of(repository)
    with SnapshotService(tmp_path / "snapshot") as service:
        service.keep("debian", repository.root, repository.date)
        configuration = f'[snapshot]\narchives = {{ "{key.repository}" = "{service.archive_url("debian")}" }}\n'
        opened = pinned_environment(tmp_path / "product", repository, configuration=configuration)
        used(opened, repository, "hello")
        before = repository.binary("hello").sha256
        repository.add("hello", "2.0")
        repository.add_source("hello", "2.0")
        repository.publish()

        found = fetched(opened, Wish(with_sources=True))

        assert (found.exit_status, found.fetched) == (0, 4 + 2)
        assert before in held(opened)
        assert service.host in found.received


@pytest.mark.parametrize(("label", "status"), [("Debian", 0), ("Vendor", 3)])
def test_the_service_for_debian_is_asked_for_what_debian_says_is_its_own(
    make_repository: MakeRepository, tmp_path: Path, label: str, status: int
) -> None:
    repository = make_repository(label=label)
    repository.add("hello", "1.0")
    repository.publish()
    with SnapshotService(tmp_path / "snapshot") as service:
        service.keep("debian", repository.root, repository.date)
        configuration = f'[snapshot]\nservice = "{service.url}"\n'
        opened = pinned_environment(tmp_path / "product", repository, configuration=configuration)
        used(opened, repository, "hello")
        repository.file_of("hello").unlink()

        assert fetched(opened).exit_status == status
        assert bool(service.requests) == (status == 0)
