# SPDX-License-Identifier: MIT
"""Who keeps states of what."""

from datetime import UTC, datetime

import pytest

from aptfreeze.errors import RefusedError
from aptfreeze.fetch.snapshots import Snapshots
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.freeze.generation import InRelease, Pin, SuiteKey
from aptfreeze.freeze.outcome import PinnedPackage, SuiteFile
from aptfreeze.settings import SnapshotSettings

DEBIAN, VENDOR = "mirror.example.org/debian", "vendor.example.org/apt"
BASE = "http://snapshot.example.org"
DATE = datetime(2026, 11, 1, tzinfo=UTC)
WANTED = Wanted(Digest.of(b"x"), 1)
SERVICE = Snapshots(SnapshotSettings(BASE))


@pytest.mark.parametrize("origin", ["Debian", "Debian Backports", None])
def test_the_service_keeps_debian(origin: str | None) -> None:
    assert SERVICE.archive_url(DEBIAN, origin) == f"{BASE}/archive/debian"
    assert SERVICE.archive_url("security.debian.org", origin) == f"{BASE}/archive/debian-security"


@pytest.mark.parametrize(
    ("repository", "origin"), [(DEBIAN, "Docker"), (DEBIAN, ""), (VENDOR, "Debian"), (VENDOR, None)]
)
def test_the_service_does_not_keep_others(repository: str, origin: str | None) -> None:
    assert SERVICE.archive_url(repository, origin) is None


def test_no_service() -> None:
    assert Snapshots(SnapshotSettings("")).archive_url(DEBIAN, "Debian") is None


def test_an_archive_that_is_named_beats_the_service() -> None:
    archives = {VENDOR: "http://kept.example.org/vendor", DEBIAN: ""}
    snapshots = Snapshots(SnapshotSettings(BASE, archives))
    assert snapshots.archive_url(VENDOR, "Vendor") == "http://kept.example.org/vendor"
    assert snapshots.archive_url(DEBIAN, "Debian") is None


def test_who_cannot_do_without_is_told_the_suite_and_the_setting() -> None:
    assert SERVICE.archive(SuiteKey(DEBIAN, "sid"), "Debian").name == "debian"
    with pytest.raises(RefusedError, match=rf"{VENDOR} sid has no dated states") as refused:
        SERVICE.archive(SuiteKey(VENDOR, "sid"), "Vendor")
    assert f'[snapshot] archives = {{ "{VENDOR}"' in (refused.value.hint or "")


def test_all_their_hosts_are_spared() -> None:
    archives = {VENDOR: "http://kept.example.org:8080/vendor", DEBIAN: ""}
    assert Snapshots(SnapshotSettings(BASE, archives, 2)).gentle == {
        "snapshot.example.org": 2,
        "kept.example.org:8080": 2,
    }
    assert Snapshots(SnapshotSettings("")).gentle == {}


def test_an_index_is_looked_for_in_the_states_since_its_date() -> None:
    file = SuiteFile(WANTED, "dists/sid/main/x", date=DATE, origin="Debian")
    names = [supplier.name for supplier in SERVICE.suite_file(DEBIAN, file)]
    assert names[:2] == [
        f"{BASE}/archive/debian (first state since 20261101T000000Z)/dists/sid/main/x",
        f"{BASE}/archive/debian (second state since 20261101T000000Z)/dists/sid/main/x",
    ]
    assert SERVICE.suite_file(VENDOR, file) == []
    assert SERVICE.suite_file(DEBIAN, SuiteFile(WANTED, "Packages", origin="Debian")) == []


def test_a_package_file_is_looked_for_by_its_sha1_too() -> None:
    pin = Pin(InRelease(Digest.of(b"")), DATE)
    entry = IndexEntry(WANTED, "x", "1", "amd64")
    found = PinnedPackage(SuiteKey(DEBIAN, "sid"), pin, entry, DEBIAN, "pool/x_1_amd64.deb")
    suppliers = SERVICE.package(found, "Debian")
    assert [supplier.name for supplier in suppliers[-2:]] == [
        f"{BASE}/file (first by name and size)/pool/x_1_amd64.deb",
        f"{BASE}/file (second by name and size)/pool/x_1_amd64.deb",
    ]
    assert len(suppliers) == len(SERVICE.suite_file(DEBIAN, SuiteFile(WANTED, "x", date=DATE))) + 2
    assert SERVICE.package(found, "Vendor") == []


def test_without_an_api_there_is_no_sha1() -> None:
    snapshots = Snapshots(SnapshotSettings("", {VENDOR: "http://kept.example.org/vendor"}))
    entry = IndexEntry(WANTED, "x", "1", "amd64")
    found = PinnedPackage(SuiteKey(VENDOR, "./"), Pin(InRelease(Digest.of(b"")), DATE), entry, VENDOR, "x_1_amd64.deb")
    assert all("state since" in supplier.name for supplier in snapshots.package(found, None))
