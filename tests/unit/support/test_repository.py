# SPDX-License-Identifier: MIT
"""The tests' repositories as the machine's apt sees them, without anything between the two."""

from datetime import UTC, datetime, timedelta

import pytest

from support.apt import Apt
from support.origin import Origin
from support.repository import MakeRepository, Repository
from support.signing import SigningKey


def test_apt_updates_from_it_and_downloads_the_package(repository: Repository, apt: Apt, origin: Origin) -> None:
    apt.add(repository)

    apt.update().ok()
    apt.install("hello").ok()

    assert apt.candidate("hello") == "1.0"
    assert apt.fetched() == {"hello_1.0_amd64.deb": repository.binary("hello").sha256}
    assert origin.count("/debian/dists/bookworm/main/binary-amd64/by-hash/SHA256/*") == 1


def test_the_next_state_replaces_the_one_before(repository: Repository, apt: Apt) -> None:
    apt.add(repository)
    apt.update().ok()
    old_files = set(repository.root.rglob("by-hash/*/*"))

    repository.add("hello", "2.0")
    repository.publish()
    apt.update().ok()

    assert apt.candidate("hello") == "2.0"
    assert [file.name for file in repository.root.rglob("*.deb")] == ["hello_2.0_amd64.deb"]
    assert not any(file.exists() for file in old_files if "binary-amd64" in file.parts)


def test_old_files_stay_when_asked_to(repository: Repository) -> None:
    old_files = set(repository.root.rglob("by-hash/*/*")) | set(repository.root.rglob("*.deb"))

    repository.add("hello", "2.0")
    repository.publish(keep_pool=True, keep_by_hash=True)

    assert all(file.exists() for file in old_files)


def test_apt_refuses_an_expired_release(repository: Repository, apt: Apt) -> None:
    repository.publish(date=datetime.now(UTC) - timedelta(days=9), valid_for=timedelta(days=7))
    apt.add(repository)

    assert "is expired" in apt.update().fails(100).output


def test_apt_refuses_a_release_from_the_future(repository: Repository, apt: Apt) -> None:
    repository.publish(date=datetime.now(UTC) + timedelta(hours=3))
    apt.add(repository)

    assert "not valid yet" in apt.update().fails(100).output


def test_apt_refuses_the_key_of_a_stranger(repository: Repository, apt: Apt, stranger_key: SigningKey) -> None:
    apt.add(repository, signed_by=str(stranger_key.keyring))

    # apt 2.6 with gpgv says NO_PUBKEY, apt 3.0 with sqv says it in words: this line is the same in both
    assert "is not signed" in apt.update().fails(100).output


def test_an_unsigned_repository_needs_to_be_trusted(make_repository: MakeRepository, apt: Apt) -> None:
    repository = make_repository(key=None)
    repository.add("hello", "1.0")
    repository.publish()

    apt.add(repository)
    apt.update().fails(100)
    apt.set("Acquire::AllowInsecureRepositories", "true")

    apt.update().ok()


@pytest.mark.parametrize("inrelease", [True, False], ids=["InRelease", "Release and Release.gpg"])
@pytest.mark.parametrize("hashes", [("SHA512",), ("SHA256",), ("MD5Sum", "SHA1", "SHA256", "SHA512")], ids="+".join)
def test_apt_takes_every_kind(
    make_repository: MakeRepository, apt: Apt, hashes: tuple[str, ...], inrelease: bool
) -> None:
    repository = make_repository(hashes=hashes, inrelease=inrelease, by_hash=False)
    repository.add("hello", "1.0")
    repository.publish()
    apt.add(repository)

    apt.update().ok()
    apt.install("hello").ok()

    assert len(apt.fetched()) == 1


def test_apt_does_not_trust_md5_alone(make_repository: MakeRepository, apt: Apt) -> None:
    repository = make_repository(hashes=("MD5Sum",))
    repository.add("hello", "1.0")
    repository.publish()
    apt.add(repository)

    assert "No Hash entry in Release file" in apt.update().fails(100).output


def test_odd_names_components_and_architectures(make_repository: MakeRepository, apt: Apt) -> None:
    repository = make_repository(components=("main", "contrib"), architectures=("amd64", "arm64"), separate_all=True)
    repository.add("g++", "4:12.2~rc1")
    repository.add("docs", "1", architecture="all", component="contrib")
    repository.add("quoted", "1:1", filename="pool/main/q/quoted_1%3a1_amd64.deb")
    repository.publish()
    apt.add(repository)

    apt.update().ok()
    apt.install("g++", "docs", "quoted").ok()

    assert list(apt.fetched()) == ["docs_1_all.deb", "g++_4%3a12.2~rc1_amd64.deb", "quoted_1%3a1_amd64.deb"]


@pytest.mark.parametrize("release", [True, False], ids=["with Release", "without Release"])
def test_a_flat_repository(make_repository: MakeRepository, apt: Apt, release: bool) -> None:
    repository = make_repository("flat", flat=True, inrelease=release, release=release)
    repository.add("hello", "1.0")
    repository.add_source("hello", "1.0")
    repository.publish()
    trust = {} if release else {"trusted": "yes"}
    apt.add(repository, types=("deb", "deb-src"), **trust)

    apt.update().ok()
    apt.install("hello").ok()
    apt.source("hello").ok()

    assert len(apt.fetched()) == 1
    assert (apt.downloads / "hello_1.0.tar.xz").exists()


def test_sources_and_translations(repository: Repository, apt: Apt, origin: Origin) -> None:
    repository.add_source("hello", "1.0")
    repository.publish()
    apt.add(repository, types=("deb", "deb-src"))
    apt.set("Acquire::Languages", "en")

    apt.update().ok()
    apt.source("hello").ok()

    assert (apt.downloads / "hello_1.0.dsc").exists()
    assert origin.count("*/i18n/by-hash/SHA256/*") == 1


def test_a_pdiff_leads_from_one_state_to_the_next(make_repository: MakeRepository, apt: Apt, origin: Origin) -> None:
    repository = make_repository(pdiffs=True)
    repository.add("stays", "1.0")
    repository.add("hello", "1.0")
    repository.publish()
    apt.add(repository)
    apt.update().ok()
    origin.forget()

    repository.add("hello", "2.0")
    repository.publish()
    apt.update().ok()

    assert origin.count("*/Packages.diff/T-*.gz") == 1
    assert origin.count("*/binary-amd64/by-hash/*") == 0
    assert apt.candidate("hello") == "2.0"


def test_an_alias_and_a_second_suite_share_the_pool(make_repository: MakeRepository, apt: Apt) -> None:
    stable = make_repository(aliases=("stable",))
    stable.add("hello", "1.0")
    stable.publish()
    updates = make_repository(suite="bookworm-updates", suite_field="stable-updates", codename="bookworm-updates")
    updates.add("hello", "1.1")
    updates.publish()
    apt.add(stable, suite="stable")
    apt.add(updates)

    apt.update().ok()

    assert apt.candidate("hello") == "1.1"
    assert len(list(stable.root.rglob("*.deb"))) == 2


def test_installer_images_are_listed_in_a_list_that_is_listed(repository: Repository, origin: Origin) -> None:
    repository.add_installer({"netboot/mini.iso": b"image"})
    repository.publish()
    folder = repository.suite_folder / "main/installer-amd64/current/images"

    assert "main/installer-amd64/current/images/SHA256SUMS\n" in (repository.suite_folder / "Release").read_text()
    assert "./netboot/mini.iso" in (folder / "SHA256SUMS").read_text()
    assert (folder / "netboot/mini.iso").read_bytes() == b"image"


def test_files_keep_their_last_modified_unless_it_is_given(repository: Repository) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    repository.add("hello", "2.0")
    repository.publish(last_modified=moment)

    assert (repository.suite_folder / "InRelease").stat().st_mtime == moment.timestamp()
    assert repository.date != moment
