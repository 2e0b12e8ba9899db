# SPDX-License-Identifier: MIT
"""Paths: the normal form, and what the form of a path says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aptfreeze.deb.paths import (
    Location,
    PathError,
    PoolName,
    by_hash,
    dists_splits,
    has_pool_form,
    index_architecture,
    normal_path,
    pool_component,
    pool_name,
    quoted,
)


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (b"http://Mirror.Example.org/debian/dists/sid/InRelease", "mirror.example.org/debian/dists/sid/InRelease"),
        (b"http://mirror.example.org:80/debian//pool/a.deb", "mirror.example.org/debian/pool/a.deb"),
        (b"https://mirror.example.org:443/x", "mirror.example.org/x"),
        (b"http://mirror.example.org:3142/x", "mirror.example.org:3142/x"),
        (b"http://mirror.example.org/p/./Packages.xz", "mirror.example.org/p/Packages.xz"),
        (b"http://mirror.example.org/g%2b%2B_1%7erc1_all.deb", "mirror.example.org/g++_1~rc1_all.deb"),
        (b"http://mirror.example.org", "mirror.example.org/"),
        (b"http://[::1]:8080/x", "[::1]:8080/x"),
    ],
)
def test_one_name_for_every_spelling(target: bytes, text: str) -> None:
    assert Location.parse(target).text == text


@pytest.mark.parametrize(
    "target",
    [
        b"/debian/dists/sid/InRelease",
        b"ftp://mirror.example.org/x",
        b"http://user:secret@mirror.example.org/x",
        b"http:///x",
        b"http://mirror.example.org:port/x",
        b"http://mirror.example.org:65536/x",
        b"http://mirror..example.org/x",
        b"http://.example.org/x",
        b"http://" + b"a" * 64 + b".example.org/x",
        b"http://mirror.example.org/a/../b",
        b"http://mirror.example.org/a/%2e%2e/b",
        b"http://mirror.example.org/a/..%2fb",
        b"http://mirror.example.org/%00",
        b"http://mirror.example.org/a%0ab",
        b"http://mirror.example.org/%ff",
        b"http://mirror.example.org/\xc3\xa9",
        b"http://mirror.example.org/x#fragment",
        b"http://" + b"a." * 128 + b"org/x",
    ],
)
def test_what_is_no_repository_path_is_refused(target: bytes) -> None:
    with pytest.raises(PathError):
        Location.parse(target)


def test_a_password_in_a_target_is_in_no_message() -> None:
    with pytest.raises(PathError, match="a user or a password stands before its host"):
        Location.parse(b"http://jane:secret@mirror.example.org/x")


@pytest.mark.parametrize("authority", [b"mirror.example.org.", b"MIRROR.example.org.:80"])
def test_a_dot_at_the_end_of_a_name_makes_no_other_host(authority: bytes) -> None:
    location = Location.parse(b"http://" + authority + b"/x")
    assert (location.host, location.raw_url) == ("mirror.example.org", "http://mirror.example.org/x")


def test_upstream_gets_the_path_as_it_was_sent() -> None:
    location = Location.parse(b"http://mirror.example.org/debian/pool/main/g/g%2b%2b_1%3a2_amd64.deb")
    assert location.raw_below("mirror.example.org/debian") == "pool/main/g/g%2b%2b_1%3a2_amd64.deb"
    assert location.raw_url == "http://mirror.example.org/debian/pool/main/g/g%2b%2b_1%3a2_amd64.deb"


def test_a_raw_path_of_another_shape_is_quoted_anew() -> None:
    location = Location.parse(b"http://mirror.example.org//debian/./pool/g%2b%25.deb")
    assert location.raw_below("mirror.example.org/debian") == "pool/g+%25.deb"


def test_the_innermost_dists_comes_first() -> None:
    assert dists_splits("h/a/dists/b/dists/c/InRelease") == [
        ("h/a/dists/b", "c/InRelease"),
        ("h/a", "b/dists/c/InRelease"),
    ]
    assert dists_splits("h/pool/x.deb") == []


def test_by_hash_paths() -> None:
    assert by_hash("main/binary-amd64/by-hash/SHA256/ab") == ("main/binary-amd64", "SHA256", "ab")
    assert by_hash("by-hash/MD5Sum/ab") == ("", "MD5Sum", "ab")
    assert by_hash("main/by-hash/CRC32/ab") is None
    assert by_hash("main/binary-amd64/Packages.xz") is None


def test_what_a_file_name_tells() -> None:
    assert pool_name("h/pool/main/x_1_amd64.deb") == PoolName("amd64")
    assert pool_name("h/pool/main/x_1_all.udeb") == PoolName("all", is_udeb=True)
    assert pool_name("h/pool/main/x_1.dsc") == PoolName("source")
    assert index_architecture("main/binary-amd64/Packages.xz") == "amd64"
    assert index_architecture("binary-amd64/Packages") == "amd64"
    assert index_architecture("main/source/Sources.xz") == ""
    assert index_architecture("main/i18n/Translation-en") == ""
    assert pool_component("h/debian/pool/contrib/x/x_1.dsc") == "contrib"
    assert pool_component("h/debian/x_1.dsc") == ""
    assert has_pool_form("h/x_1.dsc")
    assert not has_pool_form("h/keys/vendor.asc")


@given(st.text(alphabet=st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cs"])))
def test_quoting_keeps_the_normal_form(path: str) -> None:
    try:
        normal = normal_path(quoted("/" + path))
    except PathError:
        assert ".." in path
        return
    assert normal_path(quoted(normal)) == normal
