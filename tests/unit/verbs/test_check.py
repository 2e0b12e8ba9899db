# SPDX-License-Identifier: MIT
"""The rot check over a real archive and the tests' mirror, at whatever time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aptfreeze.describe.rot import Rot
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.trustcheck import Verdict
from aptfreeze.fetch.inquiry import Where
from aptfreeze.verbs.check import check
from support.archive import objects_of, rot
from support.keeping import fill, pinned_environment, used
from support.origin import Origin
from support.repository import Repository
from support.signing import SigningKey


@pytest.fixture
def repository(repository: Repository) -> Repository:
    repository.add_source("hello", "1.0")
    repository.publish(valid_for=timedelta(days=7))
    return repository


def environment(folder: Path, repository: Repository, key: SigningKey, *lines: str) -> Opened:
    """`hello` was used, and everything is in the archive."""
    configuration = "\n".join([*lines, f'[trust]\nkeyrings = ["{key.keyring}"]\n'])
    opened = pinned_environment(folder, repository, configuration=configuration)
    used(opened, repository, "hello")
    fill(opened.settings.archive.path, repository)
    return opened


@pytest.fixture
def opened(repository: Repository, signing_key: SigningKey, tmp_path: Path) -> Opened:
    return environment(tmp_path / "product", repository, signing_key)


def checked(opened: Opened, now: datetime | None = None, *, is_hashed: bool = False) -> Rot:
    return check(opened, now or datetime.now(UTC), is_hashed=is_hashed)


def lose(opened: Opened, digest: str) -> None:
    objects_of(opened.settings.archive.path)[digest].unlink()


def test_all_is_held_and_on_the_mirror(opened: Opened, repository: Repository) -> None:
    found = checked(opened)

    [suite] = found.suites
    assert (found.exit_status, found.sessions, found.mirrors_asked, found.others) == (0, 1, True, ())
    assert suite.trust.verdict is Verdict.GOOD
    assert suite.valid_until == repository.date + timedelta(days=7)
    assert [(each.piece.name, each.is_held, each.elsewhere.where) for each in suite.files] == [
        ("dists/bookworm/InRelease", True, Where.FOUND),
        ("main/binary-amd64/Packages", True, Where.FOUND),
        ("main/source/Sources", True, Where.FOUND),
        ("hello 1.0 amd64", True, Where.FOUND),
        ("hello 1.0 hello_1.0.tar.xz", True, Where.FOUND),
        ("hello 1.0 hello_1.0.dsc", True, Where.FOUND),
    ]


def test_sources_that_nobody_fetched_do_not_count(opened: Opened, repository: Repository) -> None:
    for digest in repository.sources["hello"].sha256.values():
        lose(opened, digest)

    [suite] = checked(opened).suites

    assert len(suite.files) == 4


def test_a_part_of_a_source_is_not_enough(opened: Opened, repository: Repository) -> None:
    lose(opened, repository.sources["hello"].sha256["hello_1.0.dsc"])

    assert [each.piece.name for each in checked(opened).files if not each.is_held] == ["hello 1.0 hello_1.0.dsc"]


def test_without_its_root_a_suite_is_still_looked_at(opened: Opened, repository: Repository) -> None:
    [root] = [each for each in checked(opened).files if each.piece.part == "pinned file"]
    lose(opened, root.piece.forms[0].wanted.digest.hex)

    [suite] = checked(opened).suites

    assert (suite.trust.verdict, suite.valid_until) == (Verdict.MISSING, None)
    assert [(each.piece.name, each.is_held) for each in suite.files] == [
        ("dists/bookworm/InRelease", False),
        ("hello 1.0 amd64", True),
    ]


def test_damage_is_seen_in_every_byte(opened: Opened, repository: Repository) -> None:
    rot(opened.settings.archive.path, repository.binary("hello").sha256, 100)

    assert all(each.is_held for each in checked(opened).files)
    [damaged] = [each for each in checked(opened, is_hashed=True).files if not each.is_held]

    assert (damaged.piece.name, damaged.is_damaged, damaged.elsewhere.where) == ("hello 1.0 amd64", True, Where.FOUND)


def test_a_root_that_is_damaged_is_found_by_its_signature(opened: Opened) -> None:
    [root] = [each for each in checked(opened).files if each.piece.part == "pinned file"]
    rot(opened.settings.archive.path, root.piece.forms[0].wanted.digest.hex, 60)

    found = checked(opened)

    assert found.suites[0].trust.verdict is Verdict.BAD
    assert found.exit_status == 3
    assert not found.suites[0].files[0].is_held


def test_ten_years_later_the_same_is_held(opened: Opened) -> None:
    found = checked(opened, datetime.now(UTC) + timedelta(days=3650))

    assert (found.exit_status, found.suites[0].trust.verdict) == (0, Verdict.GOOD)
    assert any("refuses it since" in line for line in found.lines())


def test_a_new_keyring_does_not_make_an_old_pin_good(
    opened: Opened, repository: Repository, stranger_key: SigningKey, tmp_path: Path
) -> None:
    stranger = environment(tmp_path / "stranger", repository, stranger_key)

    assert checked(stranger).suites[0].trust.verdict is Verdict.UNKNOWN


def test_any_mirror_of_the_configuration_will_do(
    repository: Repository, signing_key: SigningKey, tmp_path: Path, second_origin: Origin, origin: Origin
) -> None:
    repository.copy_to(second_origin.root / "debian")
    repository.file_of("hello").unlink()
    name = f"{origin.host}/debian"
    mirrors = f'[mirrors]\n"{name}" = ["{origin.url}/debian", "{second_origin.url}/debian"]'
    opened = environment(tmp_path / "two", repository, signing_key, mirrors)

    [hello] = [each for each in checked(opened).files if each.piece.name == "hello 1.0 amd64"]

    assert hello.elsewhere.detail.startswith(second_origin.url)
