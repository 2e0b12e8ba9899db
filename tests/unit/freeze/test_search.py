# SPDX-License-Identifier: MIT
"""Where a package file is looked for, in which order, and when an index is worth fetching."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from aptfreeze.deb.paths import Location
from aptfreeze.deb.release import Release
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Algorithm, Digest, Wanted
from aptfreeze.freeze.generation import BarePackages, Generation, InRelease, Pin, SuiteKey
from aptfreeze.freeze.outcome import Answer, Asked, Need, NeedEntry, NeedRelease, PinnedPackage
from aptfreeze.freeze.search import folders_of, search

REPOSITORY = "mirror.example.org/debian"
OLD, NEW = SuiteKey(REPOSITORY, "bookworm"), SuiteKey(REPOSITORY, "bookworm-updates")
DAY = datetime(2026, 11, 1, tzinfo=UTC)
LISTED = (
    "main/binary-amd64/Packages.xz",
    "main/binary-arm64/Packages.xz",
    "main/binary-all/Packages.xz",
    "main/debian-installer/binary-amd64/Packages.xz",
    "main/source/Sources.xz",
    "contrib/binary-amd64/Packages.xz",
)


def release(*paths: str) -> Release:
    lines = [f" {hashlib.sha256(path.encode()).hexdigest()} {len(path)} {path}" for path in paths]
    return Release.parse("\n".join(["SHA256:", *lines, ""]).encode())


def entry(algorithm: Algorithm = Algorithm.SHA256) -> IndexEntry:
    return IndexEntry(Wanted(Digest(algorithm, "a" * algorithm.hex_length), 3), "hello", "1.0", "amd64")


class Shell:
    """Answers needs, and keeps which index was looked at, as `suite path` (with `!` where it might be fetched)."""

    def __init__(self, pins: Mapping[SuiteKey, Pin], found_in: str = "", found: IndexEntry | None = None) -> None:
        self.pins = pins
        self.found_in = found_in
        self.found = found or entry()
        self.looked_at: list[str] = []

    def ask(self, path: str, *in_use: str) -> PinnedPackage | None:
        asked = Asked(Location.parse(f"http://{path}".encode()), True, frozenset(in_use or ("amd64",)))
        searching = search(asked, Generation("0" * 32, DAY, self.pins))
        try:
            need = next(searching)
            while True:
                need = searching.send(self.answer(need))
        except StopIteration as stop:
            found: PinnedPackage | None = stop.value
            return found

    def answer(self, need: Need) -> Answer:
        if isinstance(need, NeedRelease):
            return release(*LISTED)
        assert isinstance(need, NeedEntry)
        index = need.variants[0].relative.removeprefix(f"dists/{need.key.suite}/").removesuffix("/Packages.xz")
        self.looked_at.append(f"{need.key.suite} {index}{'!' * need.may_fetch}")
        return self.found if self.looked_at[-1] == self.found_in else None


def pin(*, days: int = 0, signed: bool = True) -> Pin:
    return Pin(InRelease(Digest.of(b"in")), DAY + timedelta(days=days), signers=("A" * 40,) if signed else ())


def test_the_newest_suite_is_asked_first() -> None:
    shell = Shell({OLD: pin(days=1), NEW: pin(days=2)}, "bookworm-updates main/binary-amd64")

    found = shell.ask(f"{REPOSITORY}/pool/main/h/hello/hello_1.0_amd64.deb")

    assert shell.looked_at == ["bookworm-updates main/binary-amd64"]
    assert found
    assert (found.key, found.repository, found.relative) == (NEW, REPOSITORY, "pool/main/h/hello/hello_1.0_amd64.deb")


def test_every_index_at_hand_is_asked_before_one_is_fetched() -> None:
    shell = Shell({OLD: pin(days=1), NEW: pin(days=2)})

    assert shell.ask(f"{REPOSITORY}/pool/main/h/hello/hello_1.0_amd64.deb") is None
    assert shell.looked_at == [
        "bookworm-updates main/binary-amd64",
        "bookworm-updates contrib/binary-amd64",
        "bookworm main/binary-amd64",
        "bookworm contrib/binary-amd64",
        "bookworm-updates main/binary-amd64!",
        "bookworm main/binary-amd64!",
    ]


def test_a_component_that_the_suite_has_not_restricts_nothing() -> None:
    shell = Shell({OLD: pin()})

    shell.ask(f"{REPOSITORY}/pool/updates/h/hello/hello_1.0_amd64.deb")

    assert shell.looked_at[2:] == ["bookworm main/binary-amd64!", "bookworm contrib/binary-amd64!"]


def test_a_package_for_all_is_looked_for_in_every_architecture_in_use() -> None:
    shell = Shell({OLD: pin()})

    shell.ask(f"{REPOSITORY}/pool/main/h/hello/hello_1.0_all.deb", "amd64", "arm64")

    assert shell.looked_at[-3:] == [
        "bookworm main/binary-amd64!",
        "bookworm main/binary-arm64!",
        "bookworm main/binary-all!",
    ]


def test_an_installer_package_has_indexes_of_its_own() -> None:
    shell = Shell({OLD: pin()})

    shell.ask(f"{REPOSITORY}/pool/main/h/hello/hello_1.0_amd64.udeb")

    assert set(shell.looked_at) == {
        "bookworm main/debian-installer/binary-amd64",
        "bookworm main/debian-installer/binary-amd64!",
    }


def test_what_is_no_binary_package_is_looked_for_in_sources() -> None:
    shell = Shell({OLD: pin()})

    shell.ask(f"{REPOSITORY}/pool/main/h/hello/hello_1.0.dsc")

    assert shell.looked_at == ["bookworm main/source/Sources.xz", "bookworm main/source/Sources.xz!"]


def test_a_hash_that_can_be_forged_counts_only_where_nothing_is_signed() -> None:
    path, weak = f"{REPOSITORY}/pool/main/h/hello/hello_1.0_amd64.deb", entry(Algorithm.MD5)

    assert Shell({OLD: pin()}, "bookworm main/binary-amd64", weak).ask(path) is None
    assert Shell({OLD: pin(signed=False)}, "bookworm main/binary-amd64", weak).ask(path)


def test_another_repository_is_not_asked() -> None:
    shell = Shell({OLD: pin()})

    assert shell.ask("mirror.example.org/debian-security/pool/main/h/hello_1.0_amd64.deb") is None
    assert shell.looked_at == []


def test_a_bare_package_list_is_the_only_index_of_its_suite() -> None:
    flat = SuiteKey("vendor.example.org/apt", "./")
    bare = Pin(BarePackages(Digest.of(b"list"), "Packages.gz"), None)
    shell = Shell({flat: bare}, "./ Packages.gz")

    found = shell.ask("vendor.example.org/apt/hello_1.0_amd64.deb")

    assert found
    assert found.relative == "hello_1.0_amd64.deb"


def test_a_flat_suites_file_names_may_count_from_a_folder_above_it() -> None:
    text = "vendor.example.org/apt/stable/hello.deb"

    assert list(folders_of(SuiteKey("vendor.example.org/apt/stable", "./"), text)) == [
        "vendor.example.org/apt/stable",
        "vendor.example.org/apt",
        "vendor.example.org",
    ]
    assert list(folders_of(SuiteKey("vendor.example.org/apt", "stable"), text)) == ["vendor.example.org/apt"]
    assert list(folders_of(SuiteKey("vendor.example.org/ap", "stable"), text)) == []
