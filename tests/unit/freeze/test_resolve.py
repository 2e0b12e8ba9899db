# SPDX-License-Identifier: MIT
"""Resolving, told as: these pins, this path, that answer. A dict is the whole shell; no file, no loop, no network."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from aptfreeze.deb.paths import Location
from aptfreeze.deb.release import Release
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.freeze.generation import BarePackages, Generation, InRelease, Pin, ReleasePair, Root, SuiteKey
from aptfreeze.freeze.outcome import (
    Absent,
    Answer,
    Asked,
    Foreign,
    Need,
    NeedEntry,
    NeedRelease,
    NeedSums,
    Outcome,
    PinnedFile,
    PinnedPackage,
    PinnedPayload,
    PinnedResigned,
    PinnedRoot,
    PinnedSingle,
    SuiteFile,
    Unpinned,
    UnpinnedSingle,
)
from aptfreeze.freeze.resolve import resolve

REPOSITORY = "mirror.example.org/debian"
BOOKWORM = SuiteKey(REPOSITORY, "bookworm")
OLD = datetime(2026, 11, 1, tzinfo=UTC)
NEW = datetime(2026, 11, 20, tzinfo=UTC)


def digest(text: str) -> Digest:
    return Digest.of(text.encode())


def release(*paths: str, by_hash: bool = True) -> Release:
    """A Release that lists files whose content is their own path."""
    lines = [f"Acquire-By-Hash: {'yes' if by_hash else 'no'}", "Date: Sat, 21 Nov 2026 10:16:37 UTC"]
    for name, algorithm in (("MD5Sum", "md5"), ("SHA256", "sha256")):
        lines.append(f"{name}:")
        lines += [f" {hashlib.new(algorithm, path.encode()).hexdigest()} {len(path)} {path}" for path in paths]
    return Release.parse("\n".join(lines).encode() + b"\n")


def entry(package: str, architecture: str = "amd64") -> IndexEntry:
    return IndexEntry(Wanted(digest(package), 3), package, "1", architecture)


@dataclass
class Shell:
    """The pins and all that they lead to. An index is named by its path; those in `fetchable` are not at hand."""

    pins: dict[SuiteKey, Pin] = field(default_factory=dict)
    releases: dict[SuiteKey, Release] = field(default_factory=dict)
    indexes: dict[tuple[SuiteKey, str], dict[str, IndexEntry]] = field(default_factory=dict)
    fetchable: set[str] = field(default_factory=set)
    sums: dict[str, Mapping[str, str]] = field(default_factory=dict)
    extra: dict[str, Digest] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)

    def pin(self, key: SuiteKey, *listed: str, suite: str = "", codename: str = "", date: datetime = OLD) -> None:
        self.pins[key] = Pin(InRelease(digest(str(key))), date, suite, codename)
        self.releases[key] = release(*listed)

    def index(self, key: SuiteKey, path: str, entries: dict[str, IndexEntry]) -> None:
        self.indexes[key, path] = entries

    def ask(
        self,
        url: str,
        *,
        from_apt: bool = True,
        architectures: frozenset[str] = frozenset({"amd64"}),
        resigns: bool = False,
    ) -> Outcome:
        asked = Asked(Location.parse(f"http://{url}".encode()), from_apt, architectures, resigns)
        resolution = resolve(asked, Generation("0" * 32, OLD, self.pins, self.extra))
        try:
            need = next(resolution)
            while True:
                need = resolution.send(self.answer(need))
        except StopIteration as stop:
            outcome: Outcome = stop.value
            return outcome

    def answer(self, need: Need) -> Answer:
        match need:
            case NeedRelease(key, _):
                return self.releases[key]
            case NeedSums(_, _, listed):
                return self.sums[listed.relative]
            case NeedEntry():
                return self.look_up(need)

    def look_up(self, need: NeedEntry) -> IndexEntry | None:
        path = need.variants[0].relative.removesuffix(".xz")
        if path in self.fetchable:
            if not need.may_fetch:
                return None
            self.fetched.append(path)
        entries = self.indexes.get((need.key, path.removeprefix(f"dists/{need.key.suite}/")), {})
        return entries.get(need.path)


@pytest.fixture
def shell() -> Shell:
    shell = Shell()
    shell.pin(
        BOOKWORM,
        "main/binary-amd64/Packages",
        "main/binary-amd64/Packages.xz",
        "main/binary-amd64/Packages.diff/Index",
        "main/binary-amd64/Release",
        "main/source/Sources.xz",
        "main/i18n/Translation-en.xz",
        "contrib/binary-amd64/Packages.xz",
        "main/debian-installer/binary-amd64/Packages.xz",
        "main/installer-amd64/current/images/SHA256SUMS",
        suite="oldstable",
        codename="bookworm",
    )
    return shell


# --- signed files ---


def test_a_suite_never_asked_before_is_to_be_pinned() -> None:
    outcome = Shell().ask(f"{REPOSITORY}/dists/bookworm/InRelease")
    assert outcome == Unpinned(BOOKWORM, "InRelease")


def test_a_suite_name_may_hold_slashes() -> None:
    outcome = Shell().ask(f"{REPOSITORY}/dists/noble/vendor/8.0/InRelease")
    assert outcome == Unpinned(SuiteKey(REPOSITORY, "noble/vendor/8.0"), "InRelease")


def test_debootstrap_asks_by_wget_and_is_answered_alike(shell: Shell) -> None:
    url = f"{REPOSITORY}/dists/bookworm/InRelease"
    assert shell.ask(url, from_apt=False) == shell.ask(url)


def test_the_pinned_inrelease_and_the_release_in_it(shell: Shell) -> None:
    root = shell.ask(f"{REPOSITORY}/dists/bookworm/InRelease")
    assert isinstance(root, PinnedRoot)
    assert root.file.wanted.digest == digest(str(BOOKWORM))
    assert (root.file.date, root.file.origin) == (shell.pins[BOOKWORM].date, None)
    assert shell.ask(f"{REPOSITORY}/dists/bookworm/Release") == PinnedPayload(BOOKWORM, shell.pins[BOOKWORM])
    assert isinstance(shell.ask(f"{REPOSITORY}/dists/bookworm/Release.gpg"), Absent)


def test_a_pinned_pair_has_no_inrelease(shell: Shell) -> None:
    shell.pins[BOOKWORM] = Pin(ReleasePair(digest("r"), digest("g")), OLD)
    assert isinstance(shell.ask(f"{REPOSITORY}/dists/bookworm/InRelease"), Absent)
    parts = [shell.ask(f"{REPOSITORY}/dists/bookworm/{name}") for name in ("Release", "Release.gpg")]
    assert [part.file.wanted.digest for part in parts if isinstance(part, PinnedRoot)] == [digest("r"), digest("g")]


def test_an_unsigned_release_has_no_signature(shell: Shell) -> None:
    shell.pins[BOOKWORM] = Pin(ReleasePair(digest("r"), None), OLD)
    assert isinstance(shell.ask(f"{REPOSITORY}/dists/bookworm/Release.gpg"), Absent)


@pytest.mark.parametrize("root", [InRelease(digest("i")), ReleasePair(digest("r"), digest("g"))])
@pytest.mark.parametrize("suite", ["dists/bookworm", "dists/oldstable", "flat"])
def test_where_suites_are_signed_anew_a_signed_one_has_all_three_files(
    shell: Shell, root: InRelease | ReleasePair, suite: str
) -> None:
    key = SuiteKey(f"{REPOSITORY}/flat", "./") if suite == "flat" else BOOKWORM
    pin = shell.pins[key] = Pin(root, OLD, "oldstable", "bookworm", ("A" * 40,))
    for name in ("InRelease", "Release", "Release.gpg"):
        assert shell.ask(f"{REPOSITORY}/{suite}/{name}", resigns=True) == PinnedResigned(key, pin, name)
    assert not isinstance(shell.ask(f"{REPOSITORY}/{suite}/InRelease"), PinnedResigned)


@pytest.mark.parametrize(
    "root", [InRelease(digest("i")), ReleasePair(digest("r"), None), BarePackages(digest("p"), "Packages")]
)
def test_an_unsigned_one_stays_as_it_is(shell: Shell, root: Root) -> None:
    shell.pins[FLAT] = Pin(root, OLD)
    for name in ("InRelease", "Release", "Release.gpg", "Packages"):
        if name != "Packages" or isinstance(root, BarePackages):
            url = f"{FLAT.repository}/{name}"
            assert shell.ask(url, resigns=True) == shell.ask(url)


def test_a_package_list_never_gets_a_signature_whatever_its_pin_claims(shell: Shell) -> None:
    shell.pins[FLAT] = Pin(BarePackages(digest("p"), "Packages"), None, signers=("A" * 40,))
    assert isinstance(shell.ask(f"{FLAT.repository}/Packages", resigns=True), PinnedRoot)
    assert isinstance(shell.ask(f"{FLAT.repository}/InRelease", resigns=True), Absent)


@pytest.mark.parametrize("name", ["oldstable", "bookworm"])
def test_suite_and_codename_lead_to_one_pin(shell: Shell, name: str) -> None:
    root = shell.ask(f"{REPOSITORY}/dists/{name}/InRelease")
    assert isinstance(root, PinnedRoot)
    assert root.key == BOOKWORM


def test_a_name_of_two_pins_is_a_suite_of_its_own(shell: Shell) -> None:
    shell.pin(SuiteKey(REPOSITORY, "trixie"), suite="oldstable", codename="trixie")
    outcome = shell.ask(f"{REPOSITORY}/dists/oldstable/InRelease")
    assert outcome == Unpinned(SuiteKey(REPOSITORY, "oldstable"), "InRelease")


def test_a_longer_suite_name_is_another_suite(shell: Shell) -> None:
    outcome = shell.ask(f"{REPOSITORY}/dists/bookworm/vendor/InRelease")
    assert outcome == Unpinned(SuiteKey(REPOSITORY, "bookworm/vendor"), "InRelease")


# --- files of a suite ---


def test_a_listed_file_by_its_path_and_by_each_hash(shell: Shell) -> None:
    path = "main/i18n/Translation-en.xz"
    by_path = shell.ask(f"{REPOSITORY}/dists/bookworm/{path}")
    assert isinstance(by_path, PinnedFile)
    assert by_path.file.wanted.digest == digest(path)
    assert by_path.file.wanted.size == len(path)
    assert by_path.file.by_hash == f"dists/bookworm/main/i18n/by-hash/SHA256/{digest(path).hex}"
    for folder, algorithm in (("SHA256", "sha256"), ("MD5Sum", "md5")):
        value = hashlib.new(algorithm, path.encode()).hexdigest()
        assert shell.ask(f"{REPOSITORY}/dists/bookworm/main/i18n/by-hash/{folder}/{value}") == by_path


def test_of_equal_files_the_one_in_the_asked_folder_is_fetched(shell: Shell) -> None:
    equal = f" {digest('empty').hex} 0 main/binary-%s/Packages.xz"
    text = "\n".join(["Acquire-By-Hash: yes", "SHA256:", equal % "all", equal % "amd64", ""])
    shell.releases[BOOKWORM] = Release.parse(text.encode())
    for architecture in ("all", "amd64"):
        folder = f"{REPOSITORY}/dists/bookworm/main/binary-{architecture}"
        outcome = shell.ask(f"{folder}/by-hash/SHA256/{digest('empty').hex}")
        assert isinstance(outcome, PinnedFile)
        assert outcome.file.relative == f"dists/bookworm/main/binary-{architecture}/Packages.xz"


def test_without_acquire_by_hash_upstream_is_asked_by_path_only(shell: Shell) -> None:
    shell.releases[BOOKWORM] = release("main/source/Sources.xz", by_hash=False)
    outcome = shell.ask(
        f"{REPOSITORY}/dists/bookworm/main/source/by-hash/SHA256/{digest('main/source/Sources.xz').hex}"
    )
    assert isinstance(outcome, PinnedFile)
    assert outcome.file.by_hash == ""


def test_the_alias_of_a_suite_leads_to_its_files(shell: Shell) -> None:
    outcome = shell.ask(f"{REPOSITORY}/dists/oldstable/main/source/Sources.xz")
    assert isinstance(outcome, PinnedFile)
    assert outcome.file.relative == "dists/bookworm/main/source/Sources.xz"


def test_an_uncompressed_index_names_the_forms_it_can_be_derived_from(shell: Shell) -> None:
    plain = shell.ask(f"{REPOSITORY}/dists/bookworm/main/binary-amd64/Packages")
    assert isinstance(plain, PinnedFile)
    assert [form.relative for form in plain.compressed] == ["dists/bookworm/main/binary-amd64/Packages.xz"]
    compressed = shell.ask(f"{REPOSITORY}/dists/bookworm/main/binary-amd64/Packages.xz")
    assert isinstance(compressed, PinnedFile)
    assert compressed.compressed == ()


def test_what_is_not_listed_does_not_exist(shell: Shell) -> None:
    outcome = shell.ask(f"{REPOSITORY}/dists/bookworm/main/i18n/Translation-de.xz")
    assert isinstance(outcome, Absent)
    assert not outcome.is_stale


def test_a_hash_of_another_generation_tells_stale_lists(shell: Shell) -> None:
    outcome = shell.ask(f"{REPOSITORY}/dists/bookworm/main/binary-amd64/by-hash/SHA256/{'0' * 64}")
    assert isinstance(outcome, Absent)
    assert outcome.is_stale


def test_pdiffs_are_never_served(shell: Shell) -> None:
    path = "main/binary-amd64/Packages.diff/Index"
    assert isinstance(shell.ask(f"{REPOSITORY}/dists/bookworm/{path}"), Absent)
    by_hash = f"main/binary-amd64/Packages.diff/by-hash/SHA256/{digest(path).hex}"
    assert isinstance(shell.ask(f"{REPOSITORY}/dists/bookworm/{by_hash}"), Absent)


def test_the_release_of_one_architecture_is_a_listed_file(shell: Shell) -> None:
    outcome = shell.ask(f"{REPOSITORY}/dists/bookworm/main/binary-amd64/Release")
    assert isinstance(outcome, PinnedFile)


def test_installer_images_follow_from_their_checksum_file(shell: Shell) -> None:
    folder = "dists/bookworm/main/installer-amd64/current/images"
    shell.sums[f"{folder}/SHA256SUMS"] = {"netboot/mini.iso": digest("iso").hex}
    image = shell.ask(f"{REPOSITORY}/{folder}/netboot/mini.iso", from_apt=False)
    assert isinstance(image, PinnedFile)
    release = shell.releases[BOOKWORM]
    assert image.file == SuiteFile(
        Wanted(digest("iso")), f"{folder}/netboot/mini.iso", date=release.date, origin=release.origin
    )
    assert isinstance(shell.ask(f"{REPOSITORY}/{folder}/netboot/other.iso"), Absent)


def test_an_index_of_a_suite_that_is_not_pinned() -> None:
    outcome = Shell().ask(f"{REPOSITORY}/dists/bookworm/main/binary-amd64/Packages.xz")
    assert isinstance(outcome, Absent)
    assert "no suite" in outcome.why


def test_a_weak_hash_verifies_only_what_is_unsigned_anyway(shell: Shell) -> None:
    weak = f"MD5Sum:\n {hashlib.md5(b'x').hexdigest()} 1 main/i18n/Translation-en\n"
    shell.releases[BOOKWORM] = Release.parse(weak.encode())
    url = f"{REPOSITORY}/dists/bookworm/main/i18n/Translation-en"
    assert isinstance(shell.ask(url), PinnedFile)
    shell.pins[BOOKWORM] = replace(shell.pins[BOOKWORM], signers=("A" * 40,))
    assert isinstance(shell.ask(url), Absent)


# --- package files ---

BASH = "pool/main/b/bash/bash_1_amd64.deb"


def test_a_package_file_is_found_without_any_earlier_request(shell: Shell) -> None:
    shell.index(BOOKWORM, "main/binary-amd64/Packages", {BASH: entry("bash")})
    outcome = shell.ask(f"{REPOSITORY}/{BASH}", from_apt=False)
    assert outcome == PinnedPackage(BOOKWORM, shell.pins[BOOKWORM], entry("bash"), REPOSITORY, BASH)


def test_the_newest_suite_of_a_repository_is_searched_first(shell: Shell) -> None:
    updates = SuiteKey(REPOSITORY, "bookworm-updates")
    shell.pin(updates, "main/binary-amd64/Packages", date=NEW)
    shell.index(BOOKWORM, "main/binary-amd64/Packages", {BASH: entry("old")})
    shell.index(updates, "main/binary-amd64/Packages", {BASH: entry("new")})
    outcome = shell.ask(f"{REPOSITORY}/{BASH}")
    assert isinstance(outcome, PinnedPackage)
    assert (outcome.key, outcome.entry.package) == (updates, "new")


def test_an_index_at_hand_is_searched_before_one_is_fetched(shell: Shell) -> None:
    updates = SuiteKey(REPOSITORY, "bookworm-updates")
    shell.pin(updates, "main/binary-amd64/Packages", date=NEW)
    shell.fetchable = {"dists/bookworm-updates/main/binary-amd64/Packages"}
    shell.index(BOOKWORM, "main/binary-amd64/Packages", {BASH: entry("bash")})
    assert isinstance(shell.ask(f"{REPOSITORY}/{BASH}"), PinnedPackage)
    assert shell.fetched == []


def test_only_the_indexes_of_the_paths_component_are_fetched(shell: Shell) -> None:
    main, contrib = "dists/bookworm/main/binary-amd64/Packages", "dists/bookworm/contrib/binary-amd64/Packages"
    shell.fetchable = {main, contrib}
    shell.index(BOOKWORM, "main/binary-amd64/Packages", {BASH: entry("bash")})
    assert isinstance(shell.ask(f"{REPOSITORY}/{BASH}"), PinnedPackage)
    assert shell.fetched == [main]


def test_every_index_is_fetched_where_the_path_names_no_component(shell: Shell) -> None:
    shell.fetchable = {"dists/bookworm/main/binary-amd64/Packages", "dists/bookworm/contrib/binary-amd64/Packages"}
    assert isinstance(shell.ask(f"{REPOSITORY}/pool/x_1_amd64.deb"), Absent)
    assert set(shell.fetched) == shell.fetchable


def test_udebs_and_sources_have_indexes_of_their_own(shell: Shell) -> None:
    udeb, dsc = "pool/main/b/base/base_1_amd64.udeb", "pool/main/b/bash/bash_1.dsc"
    shell.index(BOOKWORM, "main/debian-installer/binary-amd64/Packages", {udeb: entry("base")})
    shell.index(BOOKWORM, "main/source/Sources", {dsc: entry("bash", "source")})
    assert isinstance(shell.ask(f"{REPOSITORY}/{udeb}"), PinnedPackage)
    assert isinstance(shell.ask(f"{REPOSITORY}/{dsc}"), PinnedPackage)


def test_packages_for_all_are_looked_for_in_the_architectures_in_use(shell: Shell) -> None:
    path = "pool/main/t/tzdata/tzdata_1_all.deb"
    shell.index(BOOKWORM, "main/binary-amd64/Packages", {path: entry("tzdata", "all")})
    assert isinstance(shell.ask(f"{REPOSITORY}/{path}"), PinnedPackage)
    assert isinstance(shell.ask(f"{REPOSITORY}/{path}", architectures=frozenset({"arm64"})), Absent)


def test_the_spelling_of_a_name_does_not_matter(shell: Shell) -> None:
    path = "pool/main/g/g++_1:2~rc1_amd64.deb"
    shell.index(BOOKWORM, "main/binary-amd64/Packages", {path: entry("g++")})
    assert isinstance(shell.ask(f"{REPOSITORY}/pool/main/g/g%2b%2B_1%3a2%7erc1_amd64.deb"), PinnedPackage)


def test_a_package_of_another_generation_is_not_served(shell: Shell) -> None:
    shell.index(BOOKWORM, "main/binary-amd64/Packages", {BASH: entry("bash")})
    outcome = shell.ask(f"{REPOSITORY}/pool/main/b/bash/bash_2_amd64.deb")
    assert isinstance(outcome, Absent)
    assert outcome.is_stale
    assert str(BOOKWORM) in outcome.why


def test_a_package_of_a_repository_without_pin_is_not_served() -> None:
    outcome = Shell().ask(f"{REPOSITORY}/{BASH}")
    assert isinstance(outcome, Absent)
    assert "no suite of a repository" in outcome.why


# --- flat repositories ---

FLAT = SuiteKey("vendor.example.org/debs", "./")


def test_a_flat_repository_is_pinned_when_apt_asks() -> None:
    assert Shell().ask("vendor.example.org/debs/./InRelease") == Unpinned(FLAT, "InRelease")
    assert Shell().ask("vendor.example.org/debs/InRelease", from_apt=False) == Foreign()


def test_a_flat_repository_without_release_is_pinned_by_its_package_list() -> None:
    assert Shell().ask("vendor.example.org/debs/Packages.gz") == Unpinned(FLAT, "Packages.gz")


def test_files_of_a_flat_repository(shell: Shell) -> None:
    shell.pin(FLAT, "Packages", "Packages.xz", "en.xz")
    shell.index(FLAT, "Packages", {"fw_1_all.deb": entry("fw", "all")})
    assert isinstance(shell.ask("vendor.example.org/debs/InRelease"), PinnedRoot)
    assert isinstance(shell.ask("vendor.example.org/debs/en.xz"), PinnedFile)
    package = shell.ask("vendor.example.org/debs/fw_1_all.deb")
    assert isinstance(package, PinnedPackage)
    assert package.relative == "fw_1_all.deb"
    assert isinstance(shell.ask("vendor.example.org/debs/fw_2_all.deb"), Absent)
    assert isinstance(shell.ask("vendor.example.org/debs/readme.txt", from_apt=False), Absent)


def test_a_flat_suite_in_a_folder_of_its_repository(shell: Shell) -> None:
    key = SuiteKey("vendor.example.org/debs/stable", "./")
    shell.pin(key, "Packages.xz")
    shell.index(key, "Packages", {"stable/fw_1_all.deb": entry("fw", "all")})
    package = shell.ask("vendor.example.org/debs/stable/fw_1_all.deb")
    assert isinstance(package, PinnedPackage)
    assert (package.repository, package.relative) == ("vendor.example.org/debs", "stable/fw_1_all.deb")


def test_a_flat_repository_without_release_has_one_name_for_its_list(shell: Shell) -> None:
    shell.pins[FLAT] = Pin(BarePackages(digest("list"), "Packages.gz"), None)
    root = shell.ask("vendor.example.org/debs/Packages.gz")
    assert isinstance(root, PinnedRoot)
    assert root.file.wanted.digest == digest("list")
    for name in ("InRelease", "Release", "Release.gpg", "Packages", "Packages.xz"):
        assert isinstance(shell.ask(f"vendor.example.org/debs/{name}"), Absent), name
    shell.index(FLAT, "Packages.gz", {"fw_1_all.deb": entry("fw", "all")})
    assert isinstance(shell.ask("vendor.example.org/debs/fw_1_all.deb"), PinnedPackage)


# --- single files and the rest ---


def test_apts_other_files_are_pinned_by_url_and_then_frozen_for_everybody(shell: Shell) -> None:
    url = "vendor.example.org/mirrors.txt"
    assert shell.ask(url) == UnpinnedSingle(url)
    shell.extra[url] = digest("list")
    assert shell.ask(url) == PinnedSingle(url, digest("list"))
    assert shell.ask(url, from_apt=False) == PinnedSingle(url, digest("list"))


def test_the_query_belongs_to_a_single_files_name(shell: Shell) -> None:
    assert shell.ask("vendor.example.org/list?a=1") == UnpinnedSingle("vendor.example.org/list?a=1")


def test_what_is_no_apt_request_passes_through(shell: Shell) -> None:
    assert shell.ask("www.example.org/index.html", from_apt=False) == Foreign()
    assert shell.ask(f"{REPOSITORY}/doc/FAQ", from_apt=False) == Foreign()
