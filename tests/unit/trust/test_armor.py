# SPDX-License-Identifier: MIT
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aptfreeze.trust.armor import ArmorError, armored, dearmored
from support import gpg
from support.gpg import gpg_home


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=3))
def test_blocks_come_back_in_order(contents: list[bytes]) -> None:
    text = b"a comment\n" + b"between\n".join(map(gpg.armored, contents)) + b"the end"
    assert dearmored(text, "SIGNATURE") == b"".join(contents)


def test_binary_data_stays_as_it_is() -> None:
    assert dearmored(b"\x99\x01\x0d", "PUBLIC KEY BLOCK") == b"\x99\x01\x0d"


def test_headers_checksum_and_carriage_returns() -> None:
    text = (
        b"-----BEGIN PGP SIGNATURE-----\r\nVersion: GnuPG v1.4.12 (GNU/Linux)\r\nComment: a: b\r\n\r\n"
        b"aGVs\r\nbG8=\r\n=njUN\r\n-----END PGP SIGNATURE-----"
    )
    assert dearmored(text, "SIGNATURE") == b"hello"


def test_other_kinds_are_skipped() -> None:
    text = gpg.armored(b"key", "PUBLIC KEY BLOCK") + gpg.armored(b"signature", "SIGNATURE")
    assert dearmored(text, "SIGNATURE") == b"signature"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html>not found</html>",
        gpg.armored(b"key", "PUBLIC KEY BLOCK"),
        gpg.armored(b"cut off" * 30)[:-40],
        b"-----BEGIN PGP SIGNATURE-----\n\na\n-----END PGP SIGNATURE-----\n",
        b"-----BEGIN PGP SIGNATURE-----\n\n<not base64>\n-----END PGP SIGNATURE-----\n",
    ],
)
def test_no_armor(text: bytes) -> None:
    with pytest.raises(ArmorError):
        dearmored(text, "SIGNATURE")


@given(st.binary(max_size=200))
def test_what_is_written_is_read(data: bytes) -> None:
    assert dearmored(armored(data, "SIGNATURE"), "SIGNATURE") == data


def test_it_is_written_as_gpg_writes_it() -> None:
    with gpg_home() as home:
        data = home.export(home.new_key("anna"))
        assert armored(data, "PUBLIC KEY BLOCK") == home.run("--armor", "--export")
