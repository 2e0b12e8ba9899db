# SPDX-License-Identifier: MIT
from hypothesis import given, settings
from hypothesis import strategies as st

from aptfreeze.trust.aptsources import SignedBy, deb822_entries, one_line_entries

DEBIAN = frozenset({"mirror.example.org/debian"})


def test_one_line_entries() -> None:
    text = b"""\
# deb [signed-by=/no.gpg] http://mirror.example.org/debian stable main
deb http://mirror.example.org/debian stable main
deb [arch=amd64 signed-by=/a.gpg,/b.asc] http://MIRROR.example.org:80/debian/ stable main contrib
  deb-src [ signed-by=/c.gpg ]  https://vendor.example.org/x//y/  ./
deb [signed-by=/d.gpg] file:/srv/mirror stable main
deb [arch=amd64] http://mirror.example.org/debian stable main
"""
    assert list(one_line_entries(text)) == [
        SignedBy(DEBIAN, ("/a.gpg", "/b.asc")),
        SignedBy(frozenset({"vendor.example.org/x/y"}), ("/c.gpg",)),
        SignedBy(frozenset(), ("/d.gpg",)),
    ]


def test_deb822_entries() -> None:
    text = b"""\
Types: deb deb-src
URIs: http://mirror.example.org/debian https://other.example.org/
Suites: stable stable-updates
Components: main
Signed-By: /usr/share/keyrings/a.gpg,
 /etc/apt/keyrings/b.asc 4D64FEC119C2029067D6E791F8D2585B8783D481

Types: deb
URIs: http://vendor.example.org/flat
Suites: pool/ ./
signed-by: /c.gpg

Types: deb
URIs: http://mirror.example.org/debian
Suites: stable
"""
    assert list(deb822_entries(text)) == [
        SignedBy(DEBIAN | {"other.example.org"}, ("/usr/share/keyrings/a.gpg", "/etc/apt/keyrings/b.asc")),
        SignedBy(frozenset({"vendor.example.org/flat/pool", "vendor.example.org/flat"}), ("/c.gpg",)),
    ]


def test_inline_key() -> None:
    text = b"""\
Types: deb
URIs: http://mirror.example.org/debian
Suites: stable
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mDMEaaaa
 =abcd
 -----END PGP PUBLIC KEY BLOCK-----
"""
    armor = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEaaaa\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n"
    assert list(deb822_entries(text)) == [SignedBy(DEBIAN, (), armor)]


def test_broken_file_gives_what_stands_before() -> None:
    good = b"Types: deb\nURIs: http://mirror.example.org/debian\nSuites: stable\nSigned-By: /a.gpg\n\n"
    assert list(deb822_entries(good + b"deb http://mirror.example.org/debian stable main\n")) == [
        SignedBy(DEBIAN, ("/a.gpg",))
    ]


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_survived(data: bytes) -> None:
    list(one_line_entries(b"deb [signed-by=" + data))
    list(deb822_entries(b"Signed-By: " + data))
