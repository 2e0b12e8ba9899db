# SPDX-License-Identifier: MIT
"""Packages and Sources: every file with its hashes, whatever the order and case of the fields."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aptfreeze.deb.deb822 import ParseError
from aptfreeze.deb.index import PoolEntry, packages, sources

SHA256 = "3a2118df47bf3f04285649f0455c2fc6fe2dc7f0b237073038aa00af41f0d5f2"
MD5 = "4d471183a39a3a11d00cd35bf9f6803d"
SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
SHA512 = "c" * 128

HELLO = f"""\
Package: hello
Source: hello-traditional (1:2.10-2)
Version: 1:2.10-2+b1
Installed-Size: 280
Maintainer: Jos\u00e9 Example <jose@example.org>
Architecture: amd64
Depends: libc6 (>= 2.34)
Description: example package
 Filename: not/this/one.deb
Description-md5: {MD5}
Tag: role::program,
 uitoolkit::sdl
Section: devel
Filename: pool/main/h/hello/hello_2.10-2+b1_amd64.deb
Size: 53080
MD5sum: {MD5}
SHA256: {SHA256}
"""

DSC = f"""\
Package: hello
Binary: hello
Version: 1:2.10-3
Maintainer: Jos\u00e9 Example <jose@example.org>
Architecture: any
Files:
 {MD5} 1183 hello_2.10-3.dsc
 {MD5} 725946 hello_2.10.orig.tar.gz
Checksums-Sha256:
 {SHA256} 1183 hello_2.10-3.dsc
 {SHA256} 725946 hello_2.10.orig.tar.gz
 {SHA256} 6132 hello_2.10-3.debian.tar.xz
Package-List:
 hello deb devel optional arch=any
Directory: pool/main/h/hello
Priority: source
"""


def stanza(**fields: str) -> bytes:
    given = {"Package": "p", "Version": "1", "Architecture": "all", "Filename": "p.deb", "Size": "7", "SHA256": SHA256}
    return "".join(f"{name}: {value}\n" for name, value in (given | fields).items() if value).encode()


def test_a_binary_package_as_debian_lists_it() -> None:
    assert list(packages(HELLO.encode())) == [
        PoolEntry(
            path="pool/main/h/hello/hello_2.10-2+b1_amd64.deb",
            size=53080,
            hashes={"sha256": SHA256, "md5": MD5},
            package="hello",
            version="1:2.10-2+b1",
            architecture="amd64",
            source="hello-traditional",
            source_version="1:2.10-2",
        )
    ]


def test_stanzas_are_kept_apart() -> None:
    """A stanza that lacks a field must not borrow the neighbour's."""
    data = b"\n\n" + stanza(Package="a", Filename="a.deb") + b"\n" + stanza(Filename="") + b"\n\n\n" + stanza(SHA256="")
    data += b"\n" + stanza(Package="d", Filename="d.deb")
    assert [(e.package, e.path) for e in packages(data)] == [("a", "a.deb"), ("d", "d.deb")]


@settings(max_examples=50, deadline=None)
@given(
    st.permutations(
        ["Package: p", "Version: 1", "Filename: p.deb", "Size: 7", f"SHA256: {SHA256}", f"SHA512: {SHA512}"]
    )
)
def test_the_order_of_the_fields_is_free(lines: list[str]) -> None:
    (entry,) = packages("\n".join(lines).encode())
    assert (entry.package, entry.version, entry.path, entry.size) == ("p", "1", "p.deb", 7)
    assert entry.hashes == {"sha256": SHA256, "sha512": SHA512}


@given(
    st.lists(st.tuples(st.sampled_from(["drop", "double", "move"]), st.integers(0, 17), st.integers(0, 17)), max_size=3)
)
def test_a_stanza_in_debians_order_means_what_it_means_in_any_other(changes: list[tuple[str, int, int]]) -> None:
    """The same stanza behind a field that Debian's software writes nowhere takes the other way."""
    lines = HELLO.splitlines(keepends=True)
    for change, at, to in changes:
        line = lines[at % len(lines)]
        if change != "double":
            lines.remove(line)
        if change != "drop":
            lines.insert(to, line)
    data = "".join(lines).encode() + b"\n" + stanza()
    assert list(packages(data)) == list(packages(b"X-Other: 1\n" + data))


def test_names_are_case_insensitive() -> None:
    data = f"PACKAGE: p\nversion: 1\nfileName:p.deb\nsize:\t7 \nsha256: {SHA256.upper()}\nMD5Sum: {MD5}\n"
    (entry,) = packages(data.encode())
    assert (entry.package, entry.version, entry.path, entry.size) == ("p", "1", "p.deb", 7)
    assert entry.hashes == {"sha256": SHA256, "md5": MD5}


def test_one_name_in_another_case_is_enough_to_look_closer() -> None:
    for name in (b"Filename", b"Size", b"SHA256"):
        (entry,) = packages(stanza().replace(name, name.lower()))
        assert entry.hashes == {"sha256": SHA256}


@pytest.mark.parametrize(
    ("name", "key", "value"), [("MD5sum", "md5", MD5), ("SHA1", "sha1", SHA1), ("SHA512", "sha512", SHA512)]
)
def test_one_hash_of_any_kind_is_enough(name: str, key: str, value: str) -> None:
    (entry,) = packages(stanza(SHA256="", **{name: value}))
    assert entry.hashes == {key: value}


def test_a_hash_that_is_none_is_left_out() -> None:
    (entry,) = packages(stanza(SHA256=SHA256[1:], MD5sum=MD5))
    assert entry.hashes == {"md5": MD5}


@pytest.mark.parametrize(
    "fields",
    [
        {"Filename": ""},
        {"Filename": "../out.deb"},
        {"Filename": "./"},
        {"Size": ""},
        {"Size": "-7"},
        {"Size": "seven"},
        {"SHA256": "abc"},
    ],
)
def test_what_cannot_be_served_is_skipped(fields: dict[str, str]) -> None:
    assert list(packages(stanza(**fields))) == []


def test_paths_of_flat_repositories_are_normalised() -> None:
    assert [e.path for e in packages(stanza(Filename="./amd64//p_1%3a2.deb"))] == ["amd64/p_1%3a2.deb"]


@pytest.mark.parametrize(
    ("field", "source", "version"),
    [
        ("", "p", "1"),
        ("s", "s", "1"),
        ("s (1:2-3)", "s", "1:2-3"),
        ("s(2)", "s", "2"),
        ("s ( 2 )", "s", "2"),
        ("s (2", "s (2", "1"),
    ],
)
def test_the_source_package(field: str, source: str, version: str) -> None:
    (entry,) = packages(stanza(Source=field))
    assert (entry.source, entry.source_version) == (source, version)


def test_a_carriage_return_is_data() -> None:
    assert list(packages(stanza().replace(b"\n", b"\r\n"))) == []


@pytest.mark.parametrize("data", [b"", b"\n", b"\n\n\n", b"<html>", b"\xff\xfe", b"Filename: x"])
def test_what_is_no_index_has_no_entries(data: bytes) -> None:
    assert list(packages(data)) == []
    assert list(sources(data)) == []


def test_a_source_package_is_all_its_files() -> None:
    dsc, orig, debian = sources(DSC.encode())
    assert dsc == PoolEntry(
        path="pool/main/h/hello/hello_2.10-3.dsc",
        size=1183,
        hashes={"sha256": SHA256, "md5": MD5},
        package="hello",
        version="1:2.10-3",
        architecture="source",
        source="hello",
        source_version="1:2.10-3",
    )
    assert (orig.path, orig.size) == ("pool/main/h/hello/hello_2.10.orig.tar.gz", 725946)
    assert (debian.path, debian.hashes) == ("pool/main/h/hello/hello_2.10-3.debian.tar.xz", {"sha256": SHA256})


def test_sources_of_a_flat_repository_and_several_stanzas() -> None:
    flat = (
        f"Package: a\nVersion: 1\nDirectory: .\nChecksums-Sha1:\n {SHA1} 1 a.dsc\nCHECKSUMS-SHA512:\n {SHA512} 1 a.dsc"
    )
    nowhere = f"Package: b\nVersion: 2\nFiles:\n {MD5} 1 b.dsc"
    a, b = sources(f"{flat}\n\n{nowhere}\n".encode())
    assert (a.path, a.hashes) == ("a.dsc", {"sha512": SHA512, "sha1": SHA1})
    assert (b.path, b.version) == ("b.dsc", "2")


def test_a_directory_that_leads_out_is_skipped() -> None:
    assert list(sources(DSC.replace("pool/main", "../main").encode())) == []


def test_a_malformed_list_names_its_package() -> None:
    with pytest.raises(ParseError, match=r"'hello'.*not \"md5 size name\""):
        list(sources(DSC.replace(" 1183 hello_2.10-3.dsc\n", " hello_2.10-3.dsc\n", 1).encode()))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40), st.integers(0, len(HELLO)))
def test_damage_never_raises_in_packages(noise: bytes, position: int) -> None:
    data = HELLO.encode()
    for entry in packages(data[:position] + noise + data[position:]):
        assert entry.hashes
        assert ".." not in entry.path.split("/")


def test_the_scan_keeps_its_speed() -> None:
    """63 000 stanzas in 0.6 s on a machine of 2026; the bound here only notices another order of magnitude."""
    data = (HELLO + "\n").encode() * 6300
    began = time.process_time()
    assert sum(1 for _ in packages(data)) == 6300
    assert time.process_time() - began < 0.6
