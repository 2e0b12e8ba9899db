# SPDX-License-Identifier: MIT
"""Which installed package meets which dependency."""

import pytest

from aptfreeze.deb.depends import dependencies
from aptfreeze.deb.installed import Installed


def package(name: str, version: str = "1.0", architecture: str = "amd64", *, provides: str = "") -> Installed:
    return Installed(name, version, architecture, name, version, provides=provides)


OTHERS = (
    package("libc6", "2.36-9"),
    package("libc6", "2.36-9", "i386"),
    package("debconf", "1.5.82", "all"),
    package("mawk", provides="awk"),
    package("exim4", provides="mail-transport-agent (= 7), exim"),
)


def met(depends: str, architecture: str = "amd64") -> list[str]:
    asking = Installed("asking", "1", architecture, "asking", "1", depends=depends)
    return [f"{each.name}:{each.architecture}" for each in dependencies([*OTHERS, asking])[-1]]


@pytest.mark.parametrize(
    ("depends", "expected"),
    [
        ("", []),
        ("libc6", ["libc6:amd64"]),
        ("libc6 (>= 2.34), debconf (>= 0.5) | debconf-2.0", ["libc6:amd64", "debconf:all"]),
        ("libc6 (>> 2.36-9)", []),
        ("libc6 (<< 2.36-9~)", []),
        ("libc6 (<= 2.36-9)", ["libc6:amd64"]),
        ("libc6 (= 2.36-9)", ["libc6:amd64"]),
        ("libc6(>=2.36-9)", ["libc6:amd64"]),
        ("libc6:i386", ["libc6:i386"]),
        ("libc6:any (>= 2)", ["libc6:amd64"]),
        ("nothing | debconf", ["debconf:all"]),
        ("debconf | libc6", ["debconf:all"]),
        ("awk", ["mawk:amd64"]),
        ("awk (>= 1)", []),
        ("mail-transport-agent (>= 7)", ["exim4:amd64"]),
        ("mail-transport-agent (>= 8)", []),
        ("asking", []),
        ("libc6, libc6 (>= 2), awk", ["libc6:amd64", "mawk:amd64"]),
        ("!?, libc6", ["libc6:amd64"]),
    ],
)
def test_what_is_installed_decides(depends: str, expected: list[str]) -> None:
    assert met(depends) == expected


def test_of_several_architectures_its_own_comes_first() -> None:
    assert met("libc6", "i386") == ["libc6:i386"]
    assert met("libc6", "arm64") == ["libc6:amd64"]
