# SPDX-License-Identifier: MIT
"""Lists of files: one spelling of a path, and what counts when lists disagree."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aptfreeze.deb.deb822 import ParseError
from aptfreeze.deb.filelist import ListedFile, listed_path, merge, normal_hex, parse_size

MD5 = "d41d8cd98f00b204e9800998ecf8427e"
SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("pool/main/h/hello/hello_1%3a2.10-3_amd64.deb", "pool/main/h/hello/hello_1%3a2.10-3_amd64.deb"),
        ("./Packages", "Packages"),
        ("././a/./b", "a/b"),
        ("/pool/x", "pool/x"),
        ("a//b/", "a/b"),
        ("a/.", "a"),
        ("libfoo..1/x..y", "libfoo..1/x..y"),
        (".hidden", ".hidden"),
        ("a/.hidden", "a/.hidden"),
        ("ends.", "ends."),
    ],
)
def test_a_path_has_one_spelling(path: str, normal: str) -> None:
    assert listed_path(path) == normal


@pytest.mark.parametrize("path", ["", ".", "/", "..", "../x", "a/../b", "a/..", "./../x"])
def test_a_path_that_leads_out_is_none(path: str) -> None:
    assert listed_path(path) is None


@settings(max_examples=200, deadline=None)
@given(st.text("a./", max_size=8))
def test_a_normal_path_stays_as_it_is(path: str) -> None:
    normal = listed_path(path)
    if normal is not None:
        assert listed_path(normal) == normal
        assert [s for s in path.split("/") if s not in ("", ".")] == normal.split("/")


def test_hashes_have_their_length_and_lower_case() -> None:
    assert normal_hex("md5", MD5.upper()) == MD5
    assert normal_hex("md5", SHA256) is None
    assert normal_hex("sha256", SHA256[:-1] + "g") is None


@pytest.mark.parametrize("text", ["", "-1", "+1", "1_0", "1.0", "٣", "1" * 16])
def test_a_size_is_a_plain_number(text: str) -> None:
    assert parse_size(text) is None


def test_lists_of_several_algorithms_are_one() -> None:
    files = merge([("sha256", f"{SHA256} 0 ./Packages\n"), ("md5", f" {MD5.upper()}        0 Packages")])
    assert files == {"Packages": ListedFile("Packages", 0, {"sha256": SHA256, "md5": MD5})}


def test_the_stronger_list_tells_the_size() -> None:
    files = merge([("sha256", f"{SHA256} 7 x"), ("md5", f"{MD5} 8 x\n{MD5} 9 y")])
    assert files["x"] == ListedFile("x", 7, {"sha256": SHA256})
    assert files["y"] == ListedFile("y", 9, {"md5": MD5})


def test_the_first_line_of_a_name_counts() -> None:
    files = merge([("md5", f"{MD5} 1 x\n{'0' * 32} 1 ./x")])
    assert files["x"].hashes == {"md5": MD5}


def test_names_may_have_odd_characters() -> None:
    files = merge([("md5", f"{MD5} 1 main/c++~1:2 (a) é%2b \n{MD5} 1 ../out")])
    assert list(files) == ["main/c++~1:2 (a) é%2b"]


@pytest.mark.parametrize("line", [MD5, f"{MD5} 1", f"{MD5} x name", f"{MD5[1:]} 1 name", f"{SHA256} 1 name", "a b c"])
def test_any_other_line_is_refused(line: str) -> None:
    with pytest.raises(ParseError, match='not "md5 size name"'):
        merge([("md5", f"{MD5} 1 fine\n{line}")])
