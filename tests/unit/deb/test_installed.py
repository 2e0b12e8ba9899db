# SPDX-License-Identifier: MIT
"""dpkg's list of what is installed, and lists with a hole in them."""

import pytest

from aptfreeze.deb.deb822 import ParseError
from aptfreeze.deb.incorporated import Incorporated, IncorporatedBy
from aptfreeze.deb.installed import Installed, installed

WHOLE = b"""Package: libhello1
Status: install ok installed
Priority: optional
Section: libs
Maintainer: Jane Doe <jane@example.org>
Architecture: amd64
Multi-Arch: same
Source: hello (2.10-3)
Version: 2.10-3+b1
Provides: libhello
Pre-Depends: dpkg (>= 1.20)
Depends: libc6 (>= 2.34),
 zlib1g | zlib-ng
Built-Using: gcc-12 (= 12.2.0-14)
Description: greets
 at length
Homepage: https://www.example.org/hello
"""


def short(name: str, status: str = "install ok installed") -> bytes:
    return f"Package: {name}\nStatus: {status}\nVersion: 1\nArchitecture: all\n\n".encode()


def test_a_package_is_told_with_source_and_relations() -> None:
    assert list(installed(WHOLE)) == [
        Installed(
            "libhello1",
            "2.10-3+b1",
            "amd64",
            "hello",
            "2.10-3",
            "installed",
            (Incorporated(IncorporatedBy.BUILT_USING, "gcc-12", "12.2.0-14"),),
            "dpkg (>= 1.20), libc6 (>= 2.34), zlib1g | zlib-ng",
            "libhello",
            "Jane Doe <jane@example.org>",
            "https://www.example.org/hello",
            "libs",
            "greets",
        )
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [("", ("x", "1")), ("Source: y\n", ("y", "1")), ("Source: y (2)\n", ("y", "2"))],
)
def test_a_source_has_the_packages_name_and_version_unless_it_is_told(source: str, expected: tuple[str, str]) -> None:
    (package,) = installed(f"Package: x\nVersion: 1\n{source}Architecture: all\n".encode())
    assert (package.source, package.source_version) == expected


def test_what_left_files_counts_and_what_left_configuration_does_not() -> None:
    states = ("installed", "half-installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending")
    gone = ("not-installed", "config-files")
    data = b"".join(short(state, f"hold ok {state}") for state in (*states, *gone))

    assert [(package.name, package.state) for package in installed(data)] == [(state, state) for state in states]


def test_a_paragraph_without_status_is_there() -> None:
    assert [package.name for package in installed(b"Package: tzdata\nVersion: 1\nArchitecture: all\n")] == ["tzdata"]


def test_one_that_is_gone_may_lack_anything() -> None:
    assert list(installed(b"Package: x\nStatus: deinstall ok config-files\n")) == []


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("Package: x\nStatus: install ok installed\nVersion: 1\n", "line 6: 'x' has Architecture ''"),
        ("Status: install ok installed\nVersion: 1\nArchitecture: all\n", "line 6: 'a package' has Package ''"),
        ("Package: x\nStatus: install ok installed\nArchitecture: all\n", "line 6: 'x' has Version ''"),
        ("Package: x y\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n", "has Package 'x y'"),
        ("Package: x\nStatus: installed\n", "line 6: Status is no state of dpkg: 'installed'"),
        ("Package: x\nStatus: install ok torn\n", "no state of dpkg"),
        ("Package: x\nVersion: 1\nArchitecture: all\nSource: a b\n", "has Source 'a b'"),
        ("Package x\n", "line 6: not "),
        (" continued\n", "continuation line"),
    ],
)
def test_a_list_with_a_hole_is_an_error_that_names_the_line(broken: str, message: str) -> None:
    with pytest.raises(ParseError, match=message.replace("(", r"\(")):
        list(installed(short("first") + broken.encode() + b"\n" + short("last")))
