# SPDX-License-Identifier: MIT
"""ASCII armour of OpenPGP (RFC 9580 section 6.2) to bytes. Pure.

Rule 1: text around a block is skipped; who must refuse it (`clearsign`) looks at the text itself.
Rule 2: the checksum is not looked at: RFC 9580 6.1 forbids to reject an object for it, and what counts is the
signature.
"""

import binascii
import re

_BLOCK = re.compile(
    rb"^-----BEGIN PGP (?P<kind>[A-Z ]+)-----[ \t\r]*\n"
    rb"(?P<headers>(?:[^\n:]+:[^\n]*\n)*)"
    rb"[ \t\r]*\n"
    rb"(?P<body>[A-Za-z0-9+/=\s]*)"
    rb"^-----END PGP (?P=kind)-----[ \t\r]*$",
    re.M,
)
_CHECKSUM = re.compile(rb"^=[A-Za-z0-9+/]{4}\s*\Z", re.M)


class ArmorError(ValueError):
    """The text is no ASCII armour of the kind asked for."""


def dearmored(data: bytes, kind: str) -> bytes:
    """The bytes of every block of `kind` ("SIGNATURE", "PUBLIC KEY BLOCK") one after the other.

    Binary data (RFC 9580 4.2: the first bit of a packet is set) is returned as it is.
    """
    if data[:1] >= b"\x80":
        return data
    blocks = [_decoded(match["body"]) for match in _BLOCK.finditer(data) if match["kind"] == kind.encode()]
    if not blocks:
        raise ArmorError(f"no whole PGP {kind} in it")
    return b"".join(blocks)


def _decoded(body: bytes) -> bytes:
    try:
        return binascii.a2b_base64(_CHECKSUM.sub(b"", body), strict_mode=False)
    except binascii.Error as error:
        raise ArmorError(f"damaged base64: {error}") from error
