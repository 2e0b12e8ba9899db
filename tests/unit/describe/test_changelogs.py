# SPDX-License-Identifier: MIT
"""What is new in used packages, by source package, out of real .debs that the archive holds."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aptfreeze.archive.index import Indexes
from aptfreeze.archive.objects import Objects
from aptfreeze.deb.index import packages
from aptfreeze.describe.changelogs import changelogs
from aptfreeze.describe.changes import ChangeKind, UsedChange
from aptfreeze.fetch.download import Downloads
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.mirrors import Mirrors
from aptfreeze.fetch.snapshots import Snapshots
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.freeze.generation import BarePackages, Generation, Pin, SuiteKey
from aptfreeze.freeze.outcome import PinnedPackage
from aptfreeze.settings import FetchSettings, MirrorSettings, SnapshotSettings
from support import debs
from support.debs import zipped
from support.packages import Binary

KEY = SuiteKey("mirror.example.org/flat", "./")


@pytest.fixture
def lookup(tmp_path: Path) -> Iterator[Lookup]:
    objects = Objects(tmp_path / "archive")
    downloads = Downloads(objects, FetchSettings())
    mirrors, snapshots = Mirrors(MirrorSettings()), Snapshots(SnapshotSettings())
    yield Lookup(objects, Indexes(objects), downloads, mirrors, snapshots, offline=True)
    downloads.close()


def before(lookup: Lookup, *stanzas: str) -> Generation:
    """A generation of one bare package list, whose table is made."""
    data = "\n".join(stanzas).encode()
    name = lookup.objects.put(data)
    lookup.indexes.build(name, "packages", packages(data))
    pin = Pin(BarePackages(name, "Packages"), None)
    return Generation("0" * 32, datetime(2026, 11, 24, tzinfo=UTC), {KEY: pin})


def stanza(package: str, version: str, source: str = "") -> str:
    lines = [f"Package: {package}", *([f"Source: {source}"] if source else []), f"Version: {version}"]
    return "\n".join([*lines, "Architecture: amd64", f"Filename: {package}.deb", "Size: 1", f"SHA256: {'0' * 64}", ""])


def change(
    lookup: Lookup, package: str, source: str, *versions: str, kind: ChangeKind = ChangeKind.UPGRADED, data: bytes = b""
) -> UsedChange:
    """From version 1.0 to the first of the versions of its changelog; `data` is another .deb of that version."""
    data = data or Binary(package, versions[0], changelog=zipped(*versions, source=source)).build()
    digest = lookup.objects.put(data)
    entry = IndexEntry(Wanted(digest, len(data)), package, versions[0], "amd64", source, versions[0])
    file = PinnedPackage(
        KEY, Pin(BarePackages(Digest.of(b""), "Packages"), None), entry, KEY.repository, f"{package}.deb"
    )
    return UsedChange(
        kind, package, "amd64", "1.0", versions[0], source, versions[0], KEY, KEY, len(data), 0, False, (file,)
    )


def test_one_text_for_each_source_package(lookup: Lookup) -> None:
    used = [change(lookup, name, "greetings", "2.0", "1.0") for name in ("hello", "goodbye")]
    used.append(change(lookup, "zlib", "zlib", "3.0", "2.0", "1.0"))

    first, second = changelogs(lookup, before(lookup), used)

    assert (first.source, first.version, first.packages) == ("greetings", "2.0", ("goodbye", "hello"))
    assert "Change of 2.0." in first.text
    assert "Change of 1.0." not in first.text
    assert second.text.index("Change of 3.0.") < second.text.index("Change of 2.0.")


def test_entries_are_counted_by_the_source_packages_version(lookup: Lookup) -> None:
    used = change(lookup, "clang", "llvm-defaults", "0.56", "0.55", "0.54")
    generation = before(lookup, stanza("clang", "1.0", "llvm-defaults (0.54)"))

    (found,) = changelogs(lookup, generation, [used])

    assert "Change of 0.55." in found.text
    assert "Change of 0.54." not in found.text


@debs.needs_dpkg_deb
def test_the_changelog_is_that_of_the_package_to_which_others_have_a_link(lookup: Lookup, tmp_path: Path) -> None:
    a_link = debs.build(tmp_path, {"usr/share/doc/cpp": debs.To("gcc-base")}, name="cpp").read_bytes()
    linked = change(lookup, "cpp", "gcc", "2.0", data=a_link)
    base = change(lookup, "gcc-base", "gcc", "2.0", "1.0")

    (both,) = changelogs(lookup, before(lookup), [linked, base])
    (alone,) = changelogs(lookup, before(lookup), [linked])

    assert "Change of 2.0." in both.text
    assert "a link to usr/share/doc/gcc-base" in alone.text


def test_what_is_no_upgrade_has_none(lookup: Lookup) -> None:
    used = [
        change(lookup, "hello", "hello", "2.0", kind=kind) for kind in ChangeKind if kind is not ChangeKind.UPGRADED
    ]
    used.append(replace(change(lookup, "hello", "hello", "2.0"), architecture="source"))

    assert changelogs(lookup, before(lookup), used) == ()


def test_a_file_that_cannot_be_had_is_told_in_its_place(lookup: Lookup) -> None:
    used = change(lookup, "hello", "hello", "2.0")
    (file,) = used.files
    gone = replace(file, entry=replace(file.entry, wanted=Wanted(Digest.of(b"gone"), 4)))

    (found,) = changelogs(lookup, before(lookup), [replace(used, files=(gone,))])

    assert "hello.deb is not in the archive" in found.text
