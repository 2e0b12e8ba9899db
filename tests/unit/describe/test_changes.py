# SPDX-License-Identifier: MIT
"""What changed between two states, told from real archives and without a network."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aptfreeze.archive.index import Indexes
from aptfreeze.archive.objects import Objects
from aptfreeze.describe.changes import Change, ChangeKind, UsedChange, index_paths, suite_changes, used_changes
from aptfreeze.environment import machine
from aptfreeze.environment.records import AskedIndex, Kind, ServedPackage, Usage
from aptfreeze.errors import OfflineError
from aptfreeze.fetch.download import Downloads
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.mirrors import Mirrors
from aptfreeze.fetch.snapshots import Snapshots
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import BarePackages, Generation, Pin, ReleasePair, SuiteKey
from aptfreeze.settings import FetchSettings, MirrorSettings, SnapshotSettings

MAIN = SuiteKey("mirror.example.org/debian", "bookworm")
SECURITY = SuiteKey("mirror.example.org/debian-security", "bookworm-security")
FLAT = SuiteKey("vendor.example.org/apt", "./")
DATE = datetime(2026, 11, 21, tzinfo=UTC)
PACKAGES, SOURCES = "main/binary-amd64/Packages", "main/source/Sources"


def deb(name: str, version: str, *, architecture: str = "amd64", source: str = "", fill: str = "") -> str:
    """A stanza of a package whose file is its own name and version."""
    data = f"{name} {version}{fill}".encode()
    lines = [f"Package: {name}", f"Version: {version}", f"Architecture: {architecture}"]
    lines += [f"Source: {source}"] if source else []
    lines += [f"Filename: pool/{name}_{version}.deb", f"Size: {len(data)}"]
    return "\n".join([*lines, f"SHA256: {hashlib.sha256(data).hexdigest()}", ""])


def dsc(name: str, version: str) -> str:
    """A source package of two files, whose bytes are their names."""
    files = [f"{name}_{version}.{suffix}" for suffix in ("dsc", "tar")]
    listed = "".join(f"\n {hashlib.sha256(file.encode()).hexdigest()} {len(file)} {file}" for file in files)
    return f"Package: {name}\nVersion: {version}\nDirectory: pool\nChecksums-Sha256:{listed}\n"


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "archive")


@pytest.fixture
def lookup(objects: Objects) -> Iterator[Lookup]:
    downloads = Downloads(objects, FetchSettings())
    mirrors, snapshots = Mirrors(MirrorSettings()), Snapshots(SnapshotSettings())
    yield Lookup(objects, Indexes(objects), downloads, mirrors, snapshots, offline=True)
    downloads.close()


def state(objects: Objects, indexes: Mapping[str, Sequence[str]], *fields: str, held: bool = True) -> Pin:
    """The pin of a Release with these indexes, by path; `held`: the archive has them."""
    lines = []
    for path, stanzas in indexes.items():
        data = "\n".join(stanzas).encode()
        lines.append(f" {hashlib.sha256(data).hexdigest()} {len(data)} {path}")
        if held:
            objects.put(data)
    release = "\n".join(["Codename: bookworm", *fields, "SHA256:", *lines, ""]).encode()
    return Pin(ReleasePair(objects.put(release), None), DATE)


def changes(lookup: Lookup, before: Sequence[str], after: Sequence[str]) -> tuple[Change, ...]:
    """Between two states of one index."""
    old, new = (state(lookup.objects, {PACKAGES: stanzas}) for stanzas in (before, after))
    return suite_changes(lookup, MAIN, old, new, [PACKAGES])


def seen(lookup: Lookup, before: Sequence[str], after: Sequence[str]) -> list[tuple[str, str, str | None, str | None]]:
    """The same, in short."""
    return [(each.kind.value, each.package, each.before, each.after) for each in changes(lookup, before, after)]


# --- whole suites ---


def test_each_kind_of_change_by_name(lookup: Lookup) -> None:
    before = [deb("same", "1"), deb("up", "1.9"), deb("down", "1.0"), deb("gone", "1"), deb("bytes", "1")]
    after = [deb("same", "1"), deb("up", "1.10"), deb("down", "1.0~rc1"), deb("new", "1"), deb("bytes", "1", fill="!")]

    assert seen(lookup, before, after) == [
        ("replaced", "bytes", "1", "1"),
        ("downgraded", "down", "1.0", "1.0~rc1"),
        ("removed", "gone", "1", None),
        ("added", "new", None, "1"),
        ("upgraded", "up", "1.9", "1.10"),
    ]


def test_another_text_of_one_version_is_neither_up_nor_down(lookup: Lookup) -> None:
    assert seen(lookup, [deb("x", "1.0")], [deb("x", "0:1.0-0")]) == [("replaced", "x", "1.0", "0:1.0-0")]


def test_of_several_versions_the_newest_counts(lookup: Lookup) -> None:
    before = [deb("x", "9"), deb("x", "10"), deb("x", "8")]
    assert seen(lookup, before, [deb("x", "10"), deb("x", "9")]) == []
    assert seen(lookup, before, [deb("x", "9"), deb("x", "11"), deb("x", "10")]) == [("upgraded", "x", "10", "11")]


def test_architectures_are_told_apart(lookup: Lookup) -> None:
    before = [deb("x", "1"), deb("x", "1", architecture="i386", fill="i")]
    after = [deb("x", "1"), deb("x", "2", architecture="i386")]
    (change,) = changes(lookup, before, after)
    assert (change.architecture, change.after) == ("i386", "2")


def test_source_package_and_size_are_those_of_the_new_file(lookup: Lookup) -> None:
    before = [deb("libx1", "1", source="x (1.0)"), deb("own", "1")]
    after = [deb("libx1", "2+b1", source="x (2)"), deb("own", "10")]
    assert changes(lookup, before, after) == (
        Change(ChangeKind.UPGRADED, "libx1", "amd64", "1", "2+b1", "x", "2", len("libx1 2+b1")),
        Change(ChangeKind.UPGRADED, "own", "amd64", "1", "10", "own", "10", len("own 10")),
    )


def test_a_package_may_move_to_another_component(lookup: Lookup) -> None:
    contrib = "contrib/binary-amd64/Packages"
    before = state(lookup.objects, {PACKAGES: [deb("x", "1")], contrib: [deb("y", "1")]})
    after = state(lookup.objects, {PACKAGES: [], contrib: [deb("x", "1"), deb("y", "1")]})
    assert suite_changes(lookup, MAIN, before, after, [PACKAGES, contrib]) == ()


def test_an_index_that_one_of_the_two_does_not_list_is_empty_there(lookup: Lookup) -> None:
    firmware = "non-free-firmware/binary-amd64/Packages"
    before = state(lookup.objects, {PACKAGES: [deb("x", "1")]})
    after = state(lookup.objects, {PACKAGES: [deb("x", "1")], firmware: [deb("blob", "1")]})

    (change,) = suite_changes(lookup, MAIN, before, after, [PACKAGES, firmware])
    assert (change.kind, change.package) == (ChangeKind.ADDED, "blob")
    (change,) = suite_changes(lookup, MAIN, before, None, [PACKAGES])
    assert (change.kind, change.package) == (ChangeKind.REMOVED, "x")


def test_a_bare_list_is_its_own_index_under_any_name(lookup: Lookup) -> None:
    before, after = (
        Pin(BarePackages(lookup.objects.put(deb("x", version).encode()), "Packages"), None) for version in ("1", "2")
    )
    (change,) = suite_changes(lookup, FLAT, before, after, ["Packages.gz"])
    assert (change.before, change.after) == ("1", "2")


def test_an_index_that_cannot_be_had_is_no_empty_one(lookup: Lookup) -> None:
    before = state(lookup.objects, {PACKAGES: [deb("x", "1")]})
    after = state(lookup.objects, {PACKAGES: [deb("x", "2")]}, held=False)
    with pytest.raises(OfflineError, match="dists/bookworm/main/binary-amd64/Packages is not in the archive"):
        suite_changes(lookup, MAIN, before, after, [PACKAGES])


def test_equal_states_need_no_comparison(lookup: Lookup) -> None:
    pin = state(lookup.objects, {PACKAGES: [deb("x", "1")]})
    assert suite_changes(lookup, MAIN, pin, pin, [PACKAGES]) == ()


def test_indexes_that_matter_are_those_asked_for_else_all_of_the_architectures(lookup: Lookup) -> None:
    paths = ["contrib/binary-amd64/Packages", "main/binary-all/Packages", PACKAGES, "main/binary-i386/Packages"]
    udebs = "main/debian-installer/binary-amd64/Packages"
    pin = state(lookup.objects, {path: [deb("x", "1")] for path in [*paths, udebs, SOURCES]})
    repeated = state(lookup.objects, {path: [] for path in paths}, "No-Support-for-Architecture-all: Packages")
    asked = Usage(indexes=(AskedIndex(MAIN.repository, MAIN.suite, udebs),))

    assert index_paths(lookup, MAIN, pin, asked, ["amd64"]) == [udebs]
    assert index_paths(lookup, MAIN, pin, Usage(), ["amd64"]) == paths[:3]
    assert index_paths(lookup, MAIN, repeated, Usage(), ["amd64"]) == [paths[0], PACKAGES]
    bare = Pin(BarePackages(Digest.of(b""), "Packages.gz"), None)
    assert index_paths(lookup, FLAT, bare, Usage(), []) == ["Packages.gz"]


# --- what builds used ---


def served(name: str, version: str, key: SuiteKey = MAIN, *, architecture: str = "amd64") -> ServedPackage:
    data = f"{name} {version}".encode()
    return ServedPackage(
        name, version, architecture, key.repository, key.suite, "", Digest.of(data), len(data), Kind.BINARY
    )


def usage(*packages: ServedPackage) -> Usage:
    """Of sessions that asked for both suites."""
    return Usage(packages=packages, indexes=tuple(AskedIndex(*_place(key), PACKAGES) for key in (MAIN, SECURITY)))


def generation(**pins: Pin) -> Generation:
    keys = {"main": MAIN, "security": SECURITY}
    return Generation("0" * 32, DATE, {keys[name]: pin for name, pin in pins.items()})


def test_what_a_build_would_get_now(lookup: Lookup) -> None:
    before = generation(
        main=state(lookup.objects, {PACKAGES: [deb("x", "1"), deb("y", "1"), deb("z", "1"), deb("other", "1")]}),
        security=state(lookup.objects, {PACKAGES: []}),
    )
    after = generation(
        main=state(lookup.objects, {PACKAGES: [deb("x", "1"), deb("y", "2", source="why (2.0)"), deb("other", "2")]}),
        security=state(lookup.objects, {PACKAGES: [deb("x", "1+deb12u1")]}),
    )
    lookup.objects.put(b"y 2")

    found = used_changes(lookup, usage(served("x", "1"), served("y", "1"), served("z", "1")), before, after)

    up = ChangeKind.UPGRADED
    size = len("x 1+deb12u1")
    assert found == (
        UsedChange(up, "x", "amd64", "1", "1+deb12u1", "x", "1+deb12u1", MAIN, SECURITY, size, size, True),
        UsedChange(up, "y", "amd64", "1", "2", "why", "2.0", MAIN, MAIN, 3, 0, False),
        UsedChange(ChangeKind.REMOVED, "z", "amd64", "1", None, "", "", MAIN, None, 0, 0, False),
    )
    assert [each.is_gone for each in found] == [False, False, True]
    assert [each.is_held for each in found[:2]] == [False, True]


def test_a_suite_that_was_empty_and_that_nobody_was_served_from_has_successors_too(lookup: Lookup) -> None:
    main = state(lookup.objects, {PACKAGES: [deb("x", "1")]})
    before = generation(main=main, security=state(lookup.objects, {PACKAGES: []}))
    after = generation(main=main, security=state(lookup.objects, {PACKAGES: [deb("x", "1+deb12u1")]}))
    main_only = Usage(packages=(served("x", "1"),), indexes=(AskedIndex(*_place(MAIN), PACKAGES),))

    (found,) = used_changes(lookup, main_only, before, after)

    assert (found.after, found.suite_after, found.is_security) == ("1+deb12u1", SECURITY, True)


def test_the_same_file_from_another_suite_is_no_change(lookup: Lookup) -> None:
    before = generation(
        main=state(lookup.objects, {PACKAGES: [deb("x", "1")]}),
        security=state(lookup.objects, {PACKAGES: [deb("x", "2")]}),
    )
    after = generation(
        main=state(lookup.objects, {PACKAGES: [deb("x", "2")]}), security=state(lookup.objects, {PACKAGES: []})
    )
    assert used_changes(lookup, usage(served("x", "2", SECURITY)), before, after) == ()
    assert used_changes(lookup, usage(served("x", "1")), before, replace(before, id="1" * 32)) == ()


def test_a_version_with_other_bytes_is_a_change(lookup: Lookup) -> None:
    pins = [state(lookup.objects, {PACKAGES: [deb("x", "1", fill=fill)]}) for fill in ("", "!")]
    (change,) = used_changes(lookup, usage(served("x", "1")), *(generation(main=pin) for pin in pins))
    assert (change.kind, change.before, change.after) == (ChangeKind.REPLACED, "1", "1")


@pytest.mark.parametrize(("size", "changed"), [(3, 0), (4, 1)])
def test_without_a_sha256_in_the_index_the_size_tells(lookup: Lookup, size: int, changed: int) -> None:
    stanza = f"Package: x\nVersion: 1\nArchitecture: amd64\nFilename: x\nSize: {size}\nSHA512: {'a' * 128}\n"
    before = generation(main=state(lookup.objects, {PACKAGES: [stanza]}))
    after = generation(main=state(lookup.objects, {PACKAGES: [stanza, deb("y", "1")]}))
    assert len(used_changes(lookup, usage(served("x", "1")), before, after)) == changed


def test_a_suite_that_is_not_pinned_any_more_has_no_successors(lookup: Lookup) -> None:
    before = generation(main=state(lookup.objects, {PACKAGES: [deb("x", "1")]}))
    (change,) = used_changes(lookup, usage(served("x", "1")), before, generation())
    assert change.is_gone


def test_backports_are_not_taken_by_themselves(lookup: Lookup) -> None:
    before = generation(
        main=state(lookup.objects, {PACKAGES: [deb("x", "1")]}), security=state(lookup.objects, {PACKAGES: []})
    )
    offered = state(lookup.objects, {PACKAGES: [deb("x", "2")]}, "NotAutomatic: yes")
    assert (
        used_changes(lookup, usage(served("x", "1")), before, replace(before, pins={**before.pins, SECURITY: offered}))
        == ()
    )


def test_a_source_package_is_one_change(lookup: Lookup) -> None:
    def files(version: str) -> list[ServedPackage]:
        names = [f"x_{version}.{suffix}" for suffix in ("dsc", "tar")]
        return [
            ServedPackage("x", version, "source", *_place(MAIN), name, Digest.of(name.encode()), len(name), Kind.SOURCE)
            for name in names
        ]

    before, after = (
        generation(main=state(lookup.objects, {PACKAGES: [deb("other", version)], SOURCES: [dsc("x", version)]}))
        for version in ("1", "2")
    )
    lookup.objects.put(b"x_2.tar")

    (change,) = used_changes(lookup, usage(*files("1")), before, after)
    assert (change.architecture, change.before, change.after, change.source) == ("source", "1", "2", "x")
    assert (change.size, change.to_fetch) == (14, 7)
    assert used_changes(lookup, usage(*files("2")), before, after) == ()
    assert used_changes(lookup, usage(files("2")[0]), before, after) == ()  # a build may want the .dsc alone


def test_of_packages_for_all_architectures_the_machines_index_is_asked(lookup: Lookup) -> None:
    path = f"main/binary-{machine.architecture()}/Packages"
    before, after = (
        generation(
            main=state(
                lookup.objects,
                {path: [deb("x", version, architecture="all")]},
                "No-Support-for-Architecture-all: Packages",
            )
        )
        for version in ("1", "2")
    )
    (change,) = used_changes(lookup, Usage(packages=(served("x", "1", architecture="all"),)), before, after)
    assert change.after == "2"


def test_what_only_a_weak_hash_names_in_a_signed_suite_is_no_successor(lookup: Lookup) -> None:
    stanza = f"Package: x\nVersion: 2\nArchitecture: amd64\nFilename: x\nSize: 3\nMD5sum: {'a' * 32}\n"
    before, after = (state(lookup.objects, {PACKAGES: [each]}) for each in (deb("x", "1"), stanza))
    (unsigned,) = used_changes(lookup, usage(served("x", "1")), generation(main=before), generation(main=after))
    signed = generation(main=replace(after, signers=("A" * 40,)))
    (change,) = used_changes(lookup, usage(served("x", "1")), generation(main=before), signed)
    assert (unsigned.after, change.after) == ("2", None)


@pytest.mark.parametrize(
    ("field", "expected"), [("Label: Debian-Security", True), ("Origin: Debian", False), ("Label: Insecurity", False)]
)
def test_a_label_says_security_too(lookup: Lookup, field: str, expected: bool) -> None:
    pins = [state(lookup.objects, {PACKAGES: [deb("x", version)]}, field) for version in ("1", "2")]
    (change,) = used_changes(lookup, usage(served("x", "1")), *(generation(main=pin) for pin in pins))
    assert change.is_security is expected


def test_a_successor_that_cannot_be_told_is_an_error(lookup: Lookup) -> None:
    before = generation(main=state(lookup.objects, {PACKAGES: [deb("x", "1")]}))
    after = generation(main=state(lookup.objects, {PACKAGES: [deb("x", "2")]}, held=False))
    with pytest.raises(OfflineError):
        used_changes(lookup, usage(served("x", "1")), before, after)


def _place(key: SuiteKey) -> tuple[str, str]:
    return key.repository, key.suite
