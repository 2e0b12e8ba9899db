# SPDX-License-Identifier: MIT
"""Which indexes of a suite builds use."""

import pytest

from aptfreeze.deb.release import Release
from aptfreeze.environment.records import AskedIndex, Usage
from aptfreeze.environment.used import asked_paths, every_path, first_paths, sources_paths
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import BarePackages, InRelease, Pin, SuiteKey

KEY = SuiteKey("mirror.example.org/debian", "bookworm")
PIN = Pin(InRelease(Digest.of(b"x")), None)


def release(*paths: str, components: str = "main contrib", repeats_all: bool = False) -> Release:
    lines = "".join(f" {'0' * 64} 1 {path}\n" for path in paths)
    fields = "No-Support-for-Architecture-all: Packages\n" if repeats_all else ""
    return Release.parse(f"Suite: stable\nComponents: {components}\n{fields}SHA256:\n{lines}".encode())


def test_those_that_were_asked_of_this_suite_each_once() -> None:
    asked = [("bookworm", "b"), ("bookworm", "a"), ("bookworm", "a"), ("trixie", "c")]
    usage = Usage(indexes=tuple(AskedIndex(KEY.repository, suite, path) for suite, path in asked))
    assert asked_paths(usage, KEY) == ["a", "b"]


def test_each_component_in_use_has_its_sources() -> None:
    asked = [
        "main/binary-amd64/Packages",
        "main/binary-all/Packages",
        "non-free/debian-installer/binary-amd64/Packages",
    ]
    assert sources_paths(PIN, asked) == ["main/source/Sources", "non-free/source/Sources"]
    assert sources_paths(PIN, ["Packages"]) == ["Sources"]
    assert sources_paths(PIN, []) == []
    assert sources_paths(Pin(BarePackages(Digest.of(b"x"), "Packages"), None), ["Packages"]) == []


MAIN, CONTRIB, ALL = (f"{each}/Packages" for each in ("main/binary-amd64", "contrib/binary-amd64", "main/binary-all"))


@pytest.mark.parametrize(
    ("listed", "first"),
    [
        ([f"{CONTRIB}.xz", f"{MAIN}.xz"], [MAIN]),
        ([MAIN, f"{ALL}.gz"], [ALL, MAIN]),
        (["main/debian-installer/binary-amd64/Packages", CONTRIB], [CONTRIB]),
        (["main/binary-arm64/Packages"], []),
        (["Packages.gz"], ["Packages"]),
    ],
)
def test_without_a_record_it_is_what_a_build_asks_first(listed: list[str], first: list[str]) -> None:
    assert first_paths(release(*listed), "amd64") == first


@pytest.mark.parametrize(("repeats_all", "every"), [(False, [CONTRIB, ALL, MAIN]), (True, [CONTRIB, MAIN])])
def test_every_one_of_an_architecture_is_in_each_component(repeats_all: bool, every: list[str]) -> None:
    listed = (f"{MAIN}.xz", f"{MAIN}.gz", CONTRIB, ALL, "main/binary-arm64/Packages", "main/source/Sources")
    udebs = "main/debian-installer/binary-amd64/Packages"
    assert every_path(release(*listed, udebs, repeats_all=repeats_all), ["amd64"]) == every
    assert every_path(release("Packages.gz"), []) == ["Packages"]
