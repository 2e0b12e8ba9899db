# SPDX-License-Identifier: MIT
"""A keyring as a value: where it came from and the certificates in it. Pure.

Rule 1: a keyring file is trusted as a whole (its owner put it there), so its self-signatures are read, not verified:
they can only take trust away (expired, revoked), or be ones that the backend checks again.
Rule 2: the same certificate may be in several keyrings, in an older state in some: the newest state counts, but a
revocation counts wherever it stands.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Self

from aptfreeze.trust.armor import ArmorError, dearmored
from aptfreeze.trust.packets import (
    Kind,
    Packet,
    PacketError,
    PublicKey,
    Signature,
    Tag,
    packets,
    public_key,
    signature,
)
from aptfreeze.values import immutable

_KEYBOX_MAGIC = b"KBXf"


class KeyringError(ValueError):
    """The bytes are no keyring; the message says why."""


@immutable
class Key:
    """A primary key or subkey with what its newest self-signature says of it."""

    public: PublicKey
    bound: datetime | None = None
    """When the newest self-signature was made; None: no self-signature at all."""
    expires: datetime | None = None
    told: datetime | None = None
    """When the self-signature was made that says when the key expires, or that it never does."""
    binding_hashes: frozenset[int] = frozenset()
    """Hash algorithms (RFC 9580 9.5) of the newest self-signature."""
    revoked: bool = False

    def bound_by(self, binding: Signature) -> Self:
        """This key with one more self-signature; of each thing it says, the newest counts."""
        created, key = binding.created, self
        if created is None:
            return key
        if key.bound is None or created >= key.bound:
            key = replace(key, bound=created, binding_hashes=binding.hash_algorithms)
        if binding.tells_lifetime and (key.told is None or created >= key.told):
            lifetime = timedelta(seconds=binding.key_lifetime_s)
            key = replace(key, told=created, expires=key.public.created + lifetime if lifetime else None)
        return key


@immutable
class Certificate:
    """A primary key with its user ids, subkeys and signatures (RFC 9580 10.1)."""

    primary: Key
    subkeys: tuple[Key, ...]
    data: bytes
    """The packets themselves, binary."""

    def find(self, key_id: str) -> Key | None:
        return next((key for key in (self.primary, *self.subkeys) if key.public.key_id == key_id), None)


@immutable
class Signer:
    """The key that a signature names, as all keyrings together know it."""

    public: PublicKey
    primary: str
    """Fingerprint of the certificate's primary key."""
    revoked: bool
    expires: datetime | None
    """The earlier end of key and primary key."""
    bound: datetime | None
    """When the newest self-signature of either was made."""
    binding_hashes: frozenset[int]
    primary_public: PublicKey
    certificates: bytes
    """What a backend needs to know: each copy of the certificate, the newest first."""


@immutable
class Keyring:
    name: str
    """For messages: its path, or where an inline key stands."""
    certificates: tuple[Certificate, ...]

    @classmethod
    def parse(cls, name: str, data: bytes) -> Self:
        """From a file's content, binary or ASCII armour (also several blocks); KeyringError if it is no keyring."""
        if data[8:12] == _KEYBOX_MAGIC:
            raise KeyringError("it is a GnuPG keybox; `gpg --export` writes a keyring")
        try:
            found = tuple(_certificates(packets(dearmored(data, "PUBLIC KEY BLOCK"))))
        except (ArmorError, PacketError) as error:
            raise KeyringError(f"it is no OpenPGP keyring: {error}") from error
        if not found:
            raise KeyringError("it has no public key that can be read")
        return cls(name, found)


def _certificates(stream: Iterable[Packet]) -> Iterator[Certificate]:
    group: list[Packet] = []
    for packet in stream:
        if packet.tag == Tag.PUBLIC_KEY:
            yield from _certificate(group)
            group = []
        group.append(packet)
    yield from _certificate(group)


def _certificate(group: Sequence[Packet]) -> Iterator[Certificate]:
    """The certificate of `group`; none if it does not begin with a key, or if one of its packets cannot be read."""
    try:
        public = public_key(group[0]) if group and group[0].tag == Tag.PUBLIC_KEY else None
        keys = [] if public is None else _keys(public, group[1:])
    except PacketError:
        return
    if keys:
        primary, *subkeys = keys
        yield Certificate(primary, tuple(subkeys), b"".join(map(bytes, group)))


def _keys(public: PublicKey, rest: Iterable[Packet]) -> list[Key]:
    """The primary key and its subkeys."""
    keys: list[Key | None] = [Key(public)]
    for packet in rest:
        if packet.tag == Tag.PUBLIC_SUBKEY:
            subkey = public_key(packet)
            keys.append(Key(subkey) if subkey else None)
        elif packet.tag == Tag.SIGNATURE:
            _apply(signature(packet), public.key_id, keys)
    return [key for key in keys if key is not None]


def _apply(found: Signature, primary_id: str, keys: list[Key | None]) -> None:
    """Lets a signature of a certificate change what is known of its keys; the last of `keys` is the current one."""
    primary, current = keys[0], keys[-1]
    assert primary is not None
    by_itself = found.issuer in ("", primary_id)
    if found.kind == Kind.KEY_REVOCATION:  # by whom it may be: a revocation is never overlooked
        keys[0] = replace(primary, revoked=True)
    elif found.kind == Kind.SUBKEY_REVOCATION and current is not None:
        keys[-1] = replace(current, revoked=True)
    elif found.is_self_certification and by_itself:
        keys[0] = primary.bound_by(found)
    elif found.kind == Kind.SUBKEY_BINDING and by_itself and current is not None and len(keys) > 1:
        keys[-1] = current.bound_by(found)


def certificates_of(keyrings: Iterable[Keyring], fingerprints: Collection[str]) -> bytes:
    """The certificates of these primary keys, as a keyring file: each copy that differs, the newest first."""
    found = [each for keyring in keyrings for each in keyring.certificates]
    named = [each for each in found if each.primary.public.fingerprint in fingerprints]
    newest_first = sorted(named, key=lambda each: _age((each, each.primary)), reverse=True)
    in_order = sorted(newest_first, key=lambda each: each.primary.public.fingerprint)
    return b"".join(dict.fromkeys(each.data for each in in_order))


def signers(keyrings: Iterable[Keyring], key_id: str) -> tuple[Signer, ...]:
    """The keys with this id in the keyrings, one for each fingerprint (more than one only by a forged collision)."""
    copies: dict[tuple[str, str], list[tuple[Certificate, Key]]] = {}
    for certificate in (certificate for keyring in keyrings for certificate in keyring.certificates):
        key = certificate.find(key_id)
        if key is not None:
            name = (certificate.primary.public.fingerprint, key.public.fingerprint)
            copies.setdefault(name, []).append((certificate, key))
    return tuple(_merged(found) for found in copies.values())


def _merged(copies: list[tuple[Certificate, Key]]) -> Signer:
    newest_first = sorted(copies, key=_age, reverse=True)
    certificate, key = newest_first[0]
    both = (certificate.primary, key)
    return Signer(
        public=key.public,
        primary=certificate.primary.public.fingerprint,
        revoked=any(copy.primary.revoked or one.revoked for copy, one in copies),
        expires=min((one.expires for one in both if one.expires), default=None),
        bound=max((one.bound for one in both if one.bound), default=None),
        binding_hashes=certificate.primary.binding_hashes | key.binding_hashes,
        primary_public=certificate.primary.public,
        certificates=b"".join(dict.fromkeys(copy.data for copy, _ in newest_first)),
    )


def _age(copy: tuple[Certificate, Key]) -> tuple[datetime, datetime]:
    certificate, key = copy
    return (
        certificate.primary.bound or certificate.primary.public.created,
        key.bound or key.public.created,
    )
