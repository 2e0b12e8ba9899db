# SPDX-License-Identifier: MIT
"""A `.dsc` is read with its signature and without."""

import pytest

from aptfreeze.deb.deb822 import ParseError
from aptfreeze.describe.sourcedescription import described

TEXT = f"""Format: 3.0 (quilt)
Source: hello
Version: 2.10-3
Checksums-Sha256:
 {"a" * 64} 7 hello_2.10.orig.tar.gz
"""
BEGIN, SIGNATURE = "-----BEGIN PGP SIGNED MESSAGE-----", "-----BEGIN PGP SIGNATURE-----"
END = "-----END PGP SIGNATURE-----"
SIGNED = f"{BEGIN}\nHash: SHA256\n\n{TEXT}\n{SIGNATURE}\n\niQ==\n{END}\n"


@pytest.mark.parametrize("data", [TEXT, SIGNED], ids=["plain", "signed"])
def test_a_signature_around_the_text_makes_no_difference(data: str) -> None:
    found = described(data.encode())

    assert (found.name, found.version, list(found.files)) == ("hello", "2.10-3", ["hello_2.10.orig.tar.gz"])


@pytest.mark.parametrize("data", ["", "no field\n", SIGNED.replace(END, "")])
def test_what_is_none_is_told(data: str) -> None:
    with pytest.raises(ParseError):
        described(data.encode())
