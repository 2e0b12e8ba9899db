# SPDX-License-Identifier: MIT
"""SHA256SUMS as debian-installer and sha256sum write them."""

import pytest

from aptfreeze.deb.checksums import sha256sums
from aptfreeze.deb.deb822 import ParseError

ONE = "3a2118df47bf3f04285649f0455c2fc6fe2dc7f0b237073038aa00af41f0d5f2"
TWO = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_installers_list() -> None:
    data = f"{ONE}  ./netboot/debian-installer/amd64/linux\n{TWO.upper()} *./netboot/mini.iso\n\n"
    assert sha256sums(data.encode()) == {"netboot/debian-installer/amd64/linux": ONE, "netboot/mini.iso": TWO}


def test_names_with_blanks_and_names_that_lead_out() -> None:
    assert sha256sums(f"{ONE}  a b\n{TWO}  ../x\n".encode()) == {"a b": ONE}


def test_the_first_line_of_a_name_counts() -> None:
    assert sha256sums(f"{ONE}  x\n{TWO}  ./x".encode()) == {"x": ONE}


@pytest.mark.parametrize(
    "line", ["<html>", f"{ONE}", f"{ONE} x", f"{ONE[1:]}  x", f"\\{ONE}  a\\nb", f"{ONE[:-1]}g  x"]
)
def test_any_other_line_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(ParseError) as caught:
        sha256sums(f"{ONE}  fine\n{line}\n".encode())
    assert caught.value.line == 2


def test_it_is_bounded() -> None:
    with pytest.raises(ParseError, match="larger than"):
        sha256sums(b"\n" * ((16 << 20) + 1))
