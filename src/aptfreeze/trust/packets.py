# SPDX-License-Identifier: MIT
"""OpenPGP packets (RFC 9580 sections 4 and 5): what a signature or a key says of itself. Pure, and no cryptography.

Why this is here although two OpenPGP programs do the verification: they differ in what they accept (SHA-1, short
keys, expired and revoked keys) and in how they say it, and a build must not depend on which of them is installed.
So the policy (`policy`) reads the packets itself, alike for both, and asks a backend only whether a signature matches.

Rule 1: nothing read here is believed to be true; it can only lead to a refusal or to a question to a backend.
Rule 2: version 4 is read, which is what gpg and every archive make. Other versions keep only their number.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from enum import IntEnum

from aptfreeze.values import immutable

MAX_PACKETS = 100_000
"""In one keyring or signature; the whole Debian keyring of all developers has fewer."""


class PacketError(ValueError):
    """The bytes are no sequence of whole OpenPGP packets."""


class Tag(IntEnum):
    """Packet types (RFC 9580 section 5) that are looked into."""

    SIGNATURE = 2
    SECRET_KEY = 5
    PUBLIC_KEY = 6
    LITERAL = 11
    USER_ID = 13
    PUBLIC_SUBKEY = 14


class Kind(IntEnum):
    """Signature types (RFC 9580 5.2.1)."""

    BINARY = 0x00
    TEXT = 0x01
    POSITIVE_CERTIFICATION = 0x13
    SUBKEY_BINDING = 0x18
    DIRECT_KEY = 0x1F
    KEY_REVOCATION = 0x20
    SUBKEY_REVOCATION = 0x28


_CERTIFICATIONS = range(0x10, 0x14)
_CREATED, _EXPIRES, _KEY_EXPIRES, _ISSUER, _FINGERPRINT, _EMBEDDED = 2, 3, 9, 16, 33, 32


@immutable
class Packet:
    tag: int
    body: bytes

    def __bytes__(self) -> bytes:
        """The packet with a header of the current format and a five-octet length (RFC 9580 4.2.1.3)."""
        return bytes([0xC0 | self.tag, 0xFF]) + len(self.body).to_bytes(4, "big") + self.body


@immutable
class Signature:
    """What a signature packet says; all but `packet` and `version` is empty for versions other than 4."""

    packet: Packet
    version: int
    kind: int = -1
    key_algorithm: int = 0
    hash_algorithm: int = 0
    created: datetime | None = None
    expires: datetime | None = None
    key_lifetime_s: int = 0
    """In a self-signature: seconds from the creation of the key to its end; 0 for no end."""
    issuer: str = ""
    """Key id, 16 upper-case hex digits, from the fingerprint where it is given; empty if not told."""
    embedded: tuple["Signature", ...] = ()

    @property
    def is_self_certification(self) -> bool:
        return self.kind in _CERTIFICATIONS or self.kind == Kind.DIRECT_KEY

    @property
    def tells_lifetime(self) -> bool:
        """Whether a self-signature says how long the key lives; one that only names a revoker, say, does not."""
        return self.kind != Kind.DIRECT_KEY or self.key_lifetime_s > 0

    @property
    def hash_algorithms(self) -> frozenset[int]:
        """Of this signature and of those inside (the subkey's own confirmation in a binding)."""
        return frozenset({self.hash_algorithm, *(inner.hash_algorithm for inner in self.embedded)})


@immutable
class PublicKey:
    """A key packet of version 4."""

    fingerprint: str
    """40 upper-case hex digits (RFC 9580 5.5.4.2)."""
    created: datetime
    algorithm: int
    bits: int = 0
    """Length of the first number of the key: for RSA and DSA the strength that people speak of; else 0."""
    curve: bytes = b""
    """Object identifier, for the algorithms that carry one."""

    @property
    def key_id(self) -> str:
        return self.fingerprint[-16:]


def packets(data: bytes) -> Iterator[Packet]:
    """The packets of `data`; PacketError where it ends early or has no packet's form."""
    at = count = 0
    while at < len(data):
        tag, start, end = _extent(data, at)
        count += 1
        if end > len(data) or count > MAX_PACKETS:
            raise PacketError(f"an OpenPGP packet at byte {at} is cut off, or there are more than {MAX_PACKETS}")
        yield Packet(tag, data[start:end])
        at = end


def _extent(data: bytes, at: int) -> tuple[int, int, int]:
    """(tag, start, end) of the packet at `at`."""
    first = data[at]
    if not first & 0x80:
        raise PacketError(f"no OpenPGP packet at byte {at}")
    if first & 0x40:
        if 224 <= int.from_bytes(data[at + 1 : at + 2], "big") < 255:
            raise PacketError(f"an OpenPGP packet at byte {at} has a partial length, as no key or signature may")
        start, length = _length(data, at + 1)
        return first & 0x3F, start, start + length
    octets = (1, 2, 4, 0)[first & 3]
    if not octets:
        raise PacketError(f"an OpenPGP packet at byte {at} has no length")
    start = at + 1 + octets
    return first >> 2 & 0x0F, start, start + int.from_bytes(data[at + 1 : start], "big")


def _length(data: bytes, at: int) -> tuple[int, int]:
    """(where the content starts, its length) for a length of RFC 9580 5.2.3.7, and of 4.2.1 if it is not partial."""
    first = data[at] if at < len(data) else 0
    if first < 192:
        return at + 1, first
    if first == 0xFF:
        return at + 5, int.from_bytes(data[at + 1 : at + 5], "big")
    return at + 2, (first - 192 << 8) + int.from_bytes(data[at + 1 : at + 2], "big") + 192


def signature(packet: Packet) -> Signature:
    """Reads a signature packet (RFC 9580 5.2.3); PacketError if it is cut off."""
    body = packet.body
    if not body:
        raise PacketError("an empty signature packet")
    if body[0] != 4:
        return Signature(packet, body[0])
    hashed, at = _area(body, 4)
    unhashed, _ = _area(body, at)
    read = Signature(packet, 4, kind=body[1], key_algorithm=body[2], hash_algorithm=body[3])
    # Times count only where the signature covers them; an issuer is a hint where to look.
    return _with_times(replace(read, issuer=_issuer(hashed + unhashed), embedded=_embedded(hashed + unhashed)), hashed)


_Subpackets = list[tuple[int, bytes]]


def _area(body: bytes, at: int) -> tuple[_Subpackets, int]:
    """The subpackets of the area at `at`, and where it ends."""
    start = at + 2
    end = start + int.from_bytes(body[at:start], "big")
    if end > len(body) or start > len(body):
        raise PacketError("a signature packet is cut off")
    found: _Subpackets = []
    at = start
    while at < end:
        at, length = _length(body, at)
        if not length or at + length > end:
            raise PacketError("a subpacket of a signature is cut off")
        found.append((body[at] & 0x7F, body[at + 1 : at + length]))  # the first bit only says "critical"
        at += length
    return found, end


def _issuer(subpackets: _Subpackets) -> str:
    fingerprints = [data[-8:] for kind, data in subpackets if kind == _FINGERPRINT and data[:1] == b"\x04"]
    ids = fingerprints or [data for kind, data in subpackets if kind == _ISSUER]
    return ids[0].hex().upper() if ids and len(ids[0]) == 8 else ""


def _embedded(subpackets: _Subpackets) -> tuple[Signature, ...]:
    # One level only: an embedded signature has none of its own.
    inner = (Packet(Tag.SIGNATURE, data) for kind, data in subpackets if kind == _EMBEDDED and len(data) > 4)
    return tuple(Signature(packet, packet.body[0], hash_algorithm=packet.body[3]) for packet in inner)


def _with_times(read: Signature, hashed: _Subpackets) -> Signature:
    numbers = {kind: int.from_bytes(data, "big") for kind, data in hashed if len(data) == 4}
    if _CREATED not in numbers:
        return read
    lifetime_s = numbers.get(_EXPIRES, 0)
    return replace(
        read,
        created=moment(numbers[_CREATED]),
        expires=moment(numbers[_CREATED] + lifetime_s) if lifetime_s else None,
        key_lifetime_s=numbers.get(_KEY_EXPIRES, 0),
    )


def moment(seconds: int) -> datetime:
    """Seconds since 1970 as a time (RFC 9580 3.5)."""
    return datetime.fromtimestamp(seconds, UTC)


def public_key(packet: Packet) -> PublicKey | None:
    """Reads a key packet (RFC 9580 5.5.2); None for a version other than 4; PacketError if it is cut off."""
    body = packet.body
    if body[:1] != b"\x04":
        return None
    if len(body) < 8:
        raise PacketError("a key packet is cut off")
    fingerprint = hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False).hexdigest()
    key = PublicKey(fingerprint.upper(), moment(int.from_bytes(body[1:5], "big")), body[5])
    if key.algorithm in (1, 2, 3, 17):  # RSA, DSA: RFC 9580 9.1
        return replace(key, bits=int.from_bytes(body[6:8], "big"))
    if key.algorithm in (19, 22):  # ECDSA, EdDSA
        return replace(key, curve=body[7 : 7 + body[6]])
    return key
