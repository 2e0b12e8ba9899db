# SPDX-License-Identifier: MIT
"""Files out of a .deb, in every compression that dpkg-deb knows; damage of any kind is told as what it is."""

import bz2
import io
from pathlib import Path

import pytest

from aptfreeze.deb.archive import MOST_MEMBERS, read
from aptfreeze.deb.deb822 import ParseError
from aptfreeze.deb.tar import File, Link
from support import debs
from support.packages import Binary, ar, tar

DATA = tar({"usr/a": b"content a", "usr/b": b"content b"})
HEAD = {"debian-binary": b"2.0\n", "control.tar": b""}


def found(deb: bytes, **limit: int) -> list[File | Link]:
    return list(read(io.BytesIO(deb), "usr/b".__eq__, **limit))


@debs.needs_dpkg_deb
@pytest.mark.parametrize("compression", ["xz", "gzip", "zstd", "none"])
def test_files_of_what_dpkg_deb_builds(tmp_path: Path, compression: str) -> None:
    content = bytes(range(256)) * 5000
    files: dict[str, bytes | debs.To] = {
        "usr/share/doc/hello/copyright": content,
        "usr/other": b"other",
        "usr/link": debs.To("../x"),
    }
    with debs.build(tmp_path, files, compression=compression).open("rb") as deb:
        assert sorted(read(deb, lambda path: "other" not in path), key=lambda each: each.path) == [
            Link("usr/link", "../x", is_hard=False),
            File("usr/share/doc/hello/copyright", content),
        ]


def test_files_of_an_old_package() -> None:
    assert found(ar({**HEAD, "data.tar.bz2": bz2.compress(DATA)})) == [File("usr/b", b"content b")]


def test_the_packages_of_these_tests_are_read_too() -> None:
    binary = Binary("hello", "1.0", size=777)
    (file,) = read(io.BytesIO(binary.build()), "usr/share/hello/payload".__eq__)
    assert isinstance(file, File)
    assert len(file.content) == 777


def test_members_that_others_have_added_are_passed_over() -> None:
    """deb(5): names that begin with an underscore, in front of control.tar, and anything after data.tar."""
    assert found(ar({"debian-binary": b"2.0\n", "_gpg": b"odd", "control.tar": b"", "data.tar": DATA, "x": b""}))


def test_names_may_end_with_a_slash() -> None:
    assert found(ar({f"{name}/": content for name, content in {**HEAD, "data.tar": DATA}.items()}))


@pytest.mark.parametrize(
    ("deb", "reason"),
    [
        (b"", "no ar archive"),
        (b"<html>", "no ar archive"),
        (b"!<arch>\n", "ends before its data.tar"),
        (ar({"hello": b""}), "begins with 'hello'"),
        (ar({"debian-binary": b"2.0\n" * 20}), "begins with 'debian-binary'"),
        (ar({"debian-binary": b"3.0\n"}), "format b'3.0"),
        (ar(HEAD), "ends before its data.tar"),
        (ar({**HEAD, **{f"_{number}": b"" for number in range(MOST_MEMBERS)}, "data.tar": DATA}), "no data.tar"),
        (ar({**HEAD, "data.tar.lzma": DATA}), "'data.tar.lzma' has a compression"),
        (ar({**HEAD, "data.tar.xz": DATA}), "damaged .xz data"),
        (ar({**HEAD, "data.tar.zst": DATA}), "damaged .zst data"),
        (ar({**HEAD, "data.tar": DATA})[: 100 - len(DATA)], f"{len(DATA) - 100} bytes of its data.tar are missing"),
        (ar(HEAD) + b"x" * 60, "damaged ar header"),
    ],
)
def test_what_is_no_package_is_refused_with_the_reason(deb: bytes, reason: str) -> None:
    with pytest.raises(ParseError, match=reason):
        # Nothing is wanted, so that all of it is read.
        list(read(io.BytesIO(deb), "".__eq__))


def test_no_more_is_decompressed_than_the_limit_and_nothing_after_the_end() -> None:
    bomb = bz2.compress(tar({"usr/a": bytes(8 << 20)}))
    with pytest.raises(ParseError, match="more than 1000000 bytes when decompressed"):
        found(ar({**HEAD, "data.tar.bz2": bomb}), limit=1_000_000)
    behind = bz2.compress(DATA + bytes(8 << 20))
    assert found(ar({**HEAD, "data.tar.bz2": behind}), limit=1_000_000) == [File("usr/b", b"content b")]
