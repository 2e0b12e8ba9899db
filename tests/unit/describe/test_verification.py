# SPDX-License-Identifier: MIT
"""The verdict on an image, for people and for programs."""

from pathlib import Path

from aptfreeze.describe import rootfs
from aptfreeze.describe.description import describe
from aptfreeze.describe.verification import Verification
from aptfreeze.environment.opened import Opened
from aptfreeze.fetch.opened import open_archive
from support.describing import described_environment, image_of, status
from support.faults import Status
from support.keeping import fill, key_of, pinned_environment
from support.origin import Origin
from support.repository import MakeRepository, Repository


def verified(opened: Opened, image: Path) -> Verification:
    with open_archive(opened.settings) as archive:
        return Verification(describe(opened, archive, rootfs.read(image)))


def test_an_image_of_frozen_and_declared_packages_passes(opened: Opened, tmp_path: Path) -> None:
    found = verified(opened, image_of(tmp_path, status("hello"), status("ours", "3")))

    assert found.exit_status == 0
    assert list(found.lines()) == [
        'declared: ours 3 amd64: built here, "twice"',
        f"2 packages installed: 1 of generation {opened.store.load().id[:12]}, 1 declared",
    ]
    assert found.data()["declared"] == [
        {"name": "ours", "version": "3", "architecture": "amd64", "reason": 'built here, "twice"'}
    ]


def test_a_stranger_is_named_with_what_the_suites_have_instead(
    opened: Opened, repository: Repository, tmp_path: Path
) -> None:
    image = image_of(tmp_path, status("hello", "1.1"), status("smuggled"), status("data", "1.0", "all"))

    found = verified(opened, image)

    lines = list(found.lines())
    assert found.exit_status == 3
    assert lines[0] == f"NOT of this generation: hello 1.1 amd64 (pinned suites have 1.0 amd64 in {key_of(repository)})"
    assert lines[1] == "NOT of this generation: smuggled 1.0 amd64 (no pinned suite has a package of this name)"
    assert lines[2].startswith("3 packages installed: 1 of generation ")
    assert lines[2].endswith(", 2 not")
    assert "[[exception]]" in lines[3]
    assert [each["name"] for each in found.data()["strangers"]] == ["hello", "smuggled"]
    assert found.data()["strangers"][0]["near"][0]["version"] == "1.0"


def test_a_package_that_dpkg_left_half_done_is_named(opened: Opened, tmp_path: Path) -> None:
    found = verified(opened, image_of(tmp_path, status("hello", state="half-configured")))

    assert found.exit_status == 0
    assert next(found.lines()) == "not installed to its end: hello 1.0 amd64 (half-configured)"
    assert found.data()["torn"][0]["state_of_dpkg"] == "half-configured"


def test_one_that_two_suites_have_in_other_bytes_is_named(
    repository: Repository, make_repository: MakeRepository, tmp_path: Path
) -> None:
    other = make_repository("other", suite="trixie", codename="trixie")
    other.add("hello", "1.0", size=3000)
    other.publish()
    opened = described_environment(tmp_path, repository, other)

    found = verified(opened, image_of(tmp_path, status("hello")))

    assert found.exit_status == 0
    assert "with other bytes in each suite: hello 1.0 amd64" in next(found.lines())
    assert {each["suite"] for each in found.data()["ambiguous"][0]["files"]} == {"bookworm", "trixie"}


def test_an_index_that_cannot_be_had_just_now_is_no_verdict_for_ever(
    repository: Repository, origin: Origin, tmp_path: Path
) -> None:
    opened = pinned_environment(tmp_path, repository, configuration="[fetch]\nretries = 0")
    fill(opened.settings.archive.path, repository, "InRelease")
    origin.inject("*", Status(503))

    found = verified(opened, image_of(tmp_path, status("hello")))

    assert found.exit_status == 4
    assert f"not read: main/binary-amd64/Packages of {key_of(repository)}: " in "".join(found.lines())
    assert found.data()["unread"][0]["path"] == "main/binary-amd64/Packages"


def test_a_release_that_is_lost_is_told(repository: Repository, tmp_path: Path) -> None:
    opened = pinned_environment(tmp_path, repository)
    repository.root.rename(tmp_path / "away")

    found = verified(opened, image_of(tmp_path, status("hello")))

    assert found.exit_status == 3
    assert f"not read: the Release of {key_of(repository)}: " in "".join(found.lines())
    assert found.data()["unread"][0]["path"] is None
