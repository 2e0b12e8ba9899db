# SPDX-License-Identifier: MIT
"""ASCII armour of OpenPGP (RFC 9580 section 6.2) to bytes and back. Pure.

Rule 1: text around a block is skipped; who must refuse it (`clearsign`) looks at the text itself.
Rule 2: the checksum is not looked at: RFC 9580 6.1 forbids to reject an object for it, and what counts is the
signature. It is written all the same: gpg before 2.4 wants it.
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
_LINE = 48
"""Bytes in a line of 64 characters."""
_CRC_24, _CRC_24_START = 0x1864CFB, 0xB704CE
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


def armored(data: bytes, kind: str) -> bytes:
    """One block of `kind`, with a final newline."""
    lines = [binascii.b2a_base64(data[at : at + _LINE]) for at in range(0, len(data), _LINE)]
    checksum = b"=" + binascii.b2a_base64(_crc_24(data).to_bytes(3, "big"))
    begin, end = f"-----BEGIN PGP {kind}-----\n\n".encode(), f"-----END PGP {kind}-----\n".encode()
    return begin + b"".join(lines) + checksum + end


def _crc_24(data: bytes) -> int:
    """RFC 9580 6.1.1."""
    crc = _CRC_24_START
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= _CRC_24
    return crc
