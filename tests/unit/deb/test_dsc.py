# SPDX-License-Identifier: MIT
"""What a .dsc says of its source package."""

import re

import pytest

from aptfreeze.deb.deb822 import ParseError
from aptfreeze.deb.dsc import parse
from support.packages import Source


def dsc(version: str = "1:1.0-1") -> bytes:
    return next(data for name, data in Source("hello", version).build().items() if name.endswith(".dsc"))


def test_name_version_and_files_with_their_hashes() -> None:
    found = parse(dsc())

    assert (found.name, found.version) == ("hello", "1:1.0-1")
    [tarball] = found.files.values()
    assert tarball.path == "hello_1.0-1.tar.xz"
    assert tarball.hashes["sha256"] == Source("hello", "1:1.0-1").sha256["hello_1.0-1.tar.xz"]
    assert tarball.size == len(Source("hello", "1:1.0-1").build()["hello_1.0-1.tar.xz"])


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (rb"^Source: hello\n", b"", "without Source or Version"),
        (rb"^Version: .*\n", b"", "without Source or Version"),
        (rb"Checksums-Sha256", b"Checksums-Sha224", "has no SHA-256"),
        (rb"hello_1.0-1.tar.xz", b"../hello.tar.xz", "lists no files"),
        (rb"hello_1.0-1.tar.xz", b"below/hello.tar.xz", "is no name of a file"),
        (rb" [0-9a-f]{40} ", b" nonsense ", "not "),
        (rb"(?s).*", b"", "empty"),
    ],
)
def test_what_is_no_such_description_is_refused(before: bytes, after: bytes, why: str) -> None:
    with pytest.raises(ParseError, match=why):
        parse(re.sub(before, after, dsc(), flags=re.MULTILINE))
