# SPDX-License-Identifier: MIT
"""A key of our own that signs: made, written down, read back, and used. Pure but for the random bytes of a new one.

Rule 1: the same key, text and time give the same bytes, everywhere: Ed25519 needs no random number, and nothing else
in a signature packet is left to chance.
Rule 2: key and signatures carry times of the past, never of the present: gpgv refuses a key that was made, and sqv also
a signature, later than it is by the client's clock, which may be behind. So a new key is as old as `EPOCH`.
Rule 3: the private half leaves only by `private`, and is not shown by `repr`.

What is read: version 4, Ed25519 as algorithm 22, which every gpg since 2.1 and every Sequoia knows. That is what `gpg
--quick-generate-key NAME ed25519 sign` makes, too. The primary key signs.
"""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import field
from datetime import UTC, datetime
from itertools import takewhile
from typing import Final, Self

from aptfreeze.trust import clearsign, ed25519
from aptfreeze.trust.armor import armored, dearmored
from aptfreeze.trust.keyring import Keyring, KeyringError
from aptfreeze.trust.packets import Kind, Packet, PublicKey, Tag, packets, public_key
from aptfreeze.values import immutable

EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Older than every Release that is signed in a way that still counts."""

_EDDSA, _SHA512 = 22, 10
_ALGORITHM = bytes([_EDDSA, 9]) + bytes.fromhex("2b06010401da470f01")
"""With the curve's object identifier (RFC 9580 9.2)."""
_PUBLIC_SIZE = 1 + 4 + len(_ALGORITHM) + 35
"""Octets of the public half in a key packet: version, time, algorithm, point."""
_CREATED, _PRIMARY_USER_ID, _KEY_FLAGS, _ISSUER, _FINGERPRINT = 2, 25, 27, 16, 33
_CERTIFIES_AND_SIGNS = b"\x03"


class SigningKeyError(ValueError):
    """The bytes are no private key that can sign here; the message says why."""


@immutable
class SigningKey:
    """An Ed25519 key with its certificate."""

    public: PublicKey
    certificate: bytes
    """The public half: binary packets, fit for every keyring."""
    _seed: bytes = field(repr=False)

    @classmethod
    def generate(cls, user_id: str, seed: bytes | None = None) -> Self:
        """A new key, of `seed` (32 bytes) if given, else of random bytes."""
        seed = os.urandom(32) if seed is None else seed
        seconds = int(EPOCH.timestamp()).to_bytes(4, "big")
        body = b"\x04" + seconds + _ALGORITHM + _point(seed)
        public, name = _described(body), user_id.encode()
        of_whom = b"\x99" + len(body).to_bytes(2, "big") + body + b"\xb4" + len(name).to_bytes(4, "big") + name
        bare = cls(public, b"", seed)
        flags = [(_PRIMARY_USER_ID, b"\x01"), (_KEY_FLAGS, _CERTIFIES_AND_SIGNS)]
        certified = bare._signature(Kind.POSITIVE_CERTIFICATION, of_whom, EPOCH, flags)
        parts = (Packet(Tag.PUBLIC_KEY, body), Packet(Tag.USER_ID, name), certified)
        return cls(public, b"".join(map(bytes, parts)), seed)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """From what `private` gave, or `gpg --export-secret-keys` of a key without a passphrase; SigningKeyError."""
        try:
            first, *rest = packets(dearmored(data, "PRIVATE KEY BLOCK"))
        except ValueError as error:  # also one packet too few
            raise SigningKeyError(f"it is no OpenPGP private key: {error}") from error
        body = first.body[:_PUBLIC_SIZE]
        if first.tag != Tag.SECRET_KEY or body[:1] + body[5:-35] != b"\x04" + _ALGORITHM:
            raise SigningKeyError("it does not begin with an Ed25519 key (OpenPGP version 4, algorithm 22)")
        seed = _unprotected(first.body[_PUBLIC_SIZE:])
        if body[-35:] != _point(seed):
            raise SigningKeyError("its public and its private half do not belong together")
        described = takewhile(lambda packet: packet.tag in (Tag.USER_ID, Tag.SIGNATURE), rest)  # and not its subkeys
        certificate = b"".join(map(bytes, (Packet(Tag.PUBLIC_KEY, body), *described)))
        _check_certified(certificate)
        return cls(_described(body), certificate, seed)

    @property
    def private(self) -> bytes:
        """Both halves in ASCII armour, to be kept."""
        public, *rest = packets(self.certificate)
        secret = b"\0" + _number(self._seed)  # 0: no passphrase
        checksum = (sum(secret[1:]) & 0xFFFF).to_bytes(2, "big")
        parts = (Packet(Tag.SECRET_KEY, public.body + secret + checksum), *rest)
        return armored(b"".join(map(bytes, parts)), "PRIVATE KEY BLOCK")

    @property
    def armored(self) -> bytes:
        """The public half in ASCII armour."""
        return armored(self.certificate, "PUBLIC KEY BLOCK")

    def clearsigned(self, text: bytes, at: datetime) -> bytes:
        """An InRelease with this text; blanks at the ends of its lines go."""
        payload, signed = clearsign.canonical(text)
        return clearsign.framed(payload, "SHA512", _armored(self._signature(Kind.TEXT, signed, at)))

    def detached(self, data: bytes, at: datetime) -> bytes:
        """A Release.gpg for these bytes, in ASCII armour."""
        return _armored(self._signature(Kind.BINARY, data, at))

    def _signature(self, kind: Kind, data: bytes, at: datetime, more: Iterable[tuple[int, bytes]] = ()) -> Packet:
        """RFC 9580 5.2.3 and 5.2.4. It is as old as `at`, but not older than the key."""
        seconds = int(max(at, self.public.created).timestamp()).to_bytes(4, "big")
        hashed = _area([(_CREATED, seconds), (_FINGERPRINT, b"\x04" + bytes.fromhex(self.public.fingerprint)), *more])
        head = bytes([4, kind, _EDDSA, _SHA512]) + hashed
        digest = hashlib.sha512(data + head + b"\x04\xff" + len(head).to_bytes(4, "big")).digest()
        unhashed = _area([(_ISSUER, bytes.fromhex(self.public.key_id))])
        signed = ed25519.sign(self._seed, digest)
        return Packet(Tag.SIGNATURE, head + unhashed + digest[:2] + _number(signed[:32]) + _number(signed[32:]))


def _described(body: bytes) -> PublicKey:
    public = public_key(Packet(Tag.PUBLIC_KEY, body))
    assert public is not None, "version 4"
    return public


def _check_certified(certificate: bytes) -> None:
    """SigningKeyError if the key has not signed a name of its own: no verifier takes it for one that may sign."""
    try:
        (found,) = Keyring.parse("certificate", certificate).certificates
    except KeyringError as error:
        raise SigningKeyError(f"its certificate cannot be read: {error}") from error
    if found.primary.bound is None:
        raise SigningKeyError("it has no name that it has signed itself")


def _unprotected(rest: bytes) -> bytes:
    """The 32 secret bytes of what follows the public half (RFC 9580 5.5.3)."""
    if not rest or rest[0] != 0:
        raise SigningKeyError("its private half is protected by a passphrase, or is not there")
    size = int.from_bytes(rest[1:3], "big") + 7 >> 3
    number, checksum = rest[3 : 3 + size], rest[3 + size :]
    if size > 32 or len(number) != size or int.from_bytes(checksum, "big") != sum(rest[1 : 3 + size]) & 0xFFFF:
        raise SigningKeyError("its private half is damaged")
    return number.rjust(32, b"\0")


def _point(seed: bytes) -> bytes:
    return _number(b"\x40" + ed25519.public_key(seed))


def _number(octets: bytes) -> bytes:
    """A number as OpenPGP writes one (RFC 9580 3.2): without leading zeros, behind its length in bits."""
    octets = octets.lstrip(b"\0")
    bits = 8 * len(octets) - (8 - octets[0].bit_length()) if octets else 0
    return bits.to_bytes(2, "big") + octets


def _area(subpackets: Iterable[tuple[int, bytes]]) -> bytes:
    """Each is shorter than 192 octets (RFC 9580 5.2.3.7)."""
    packed = b"".join(bytes([len(value) + 1, kind]) + value for kind, value in subpackets)
    return len(packed).to_bytes(2, "big") + packed


def _armored(signature: Packet) -> bytes:
    return armored(bytes(signature), "SIGNATURE")
