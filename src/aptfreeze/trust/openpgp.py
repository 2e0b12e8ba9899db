# SPDX-License-Identifier: MIT
"""OpenPGP signatures of Release files: who signed these bytes, as far as it counts?

Rule 1: only the returned payload may be used, never the file that it came from.
Rule 2: framing (`clearsign`) and policy (`policy`) are ours and are the same for every backend. A backend answers one
question: does this one signature over these bytes match this key?
Rule 3: signers are the primary keys' fingerprints, whichever subkey signed: subkeys come and go, and the lock file
names who is trusted.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from aptfreeze.trust import clearsign
from aptfreeze.trust.armor import ArmorError, dearmored
from aptfreeze.trust.keyring import Keyring, Signer, signers
from aptfreeze.trust.packets import Kind, PacketError, Signature, Tag, packets, signature
from aptfreeze.trust.policy import Objection, object_to_signature, object_to_signer
from aptfreeze.trust.refusal import Reason, SignatureRefused
from aptfreeze.values import immutable

MAX_SIGNATURES = 64
"""In one file; Debian's have three. Each costs a question to a backend."""
_NAMED_KEYRINGS = 4


@immutable
class Verified:
    """What somebody trusted has signed."""

    payload: bytes
    """The Release file."""
    signers: tuple[str, ...]
    """Primary keys of the signatures that count: 40 upper-case hex digits each, sorted, never empty."""


class Answer(StrEnum):
    """What a backend says of one signature."""

    MATCHES = "matches"
    DIFFERS = "differs"
    CANNOT_TELL = "cannot tell"
    """It does not know this kind of key, or refuses it by a policy of its own: the next backend is asked."""


class Backend(Protocol):
    """A program or library that verifies one signature."""

    @property
    def name(self) -> str: ...

    def check(self, data: bytes, signature: Signature, signer: Signer) -> Answer:
        """Whether `signature` is one of `signer` over `data`. AptfreezeError if the backend itself fails."""
        ...


@immutable
class _Case:
    """What one verification is about, but for the signatures."""

    data: bytes
    keyrings: Sequence[Keyring]
    now: datetime
    expired_keys: bool


class Verifier:
    """Verifies files; for each signature with the first of its backends that can tell."""

    def __init__(self, backends: Sequence[Backend]) -> None:
        self._backends = tuple(backends)

    def __repr__(self) -> str:
        return f"<Verifier {', '.join(one.name for one in self._backends)}>"

    @property
    def name(self) -> str:
        """Of the backend that is asked first."""
        return self._backends[0].name

    def verify_clearsigned(
        self, data: bytes, keyrings: Sequence[Keyring], *, now: datetime, expired_keys: bool = False
    ) -> Verified:
        """Verifies an InRelease; SignatureRefused with the reason and without a subject.

        `expired_keys` accepts signatures of keys that were alive when they signed and have expired since.
        """
        try:
            framed = clearsign.parse(data)
        except clearsign.NotClearsignedError as error:
            raise SignatureRefused(f"not signed: {error}", Reason.NOT_SIGNED) from error
        except clearsign.FramingError as error:
            raise SignatureRefused(f"not one clear-signed block: {error}", Reason.BAD) from error
        case = _Case(framed.signed_text, keyrings, now, expired_keys)
        return Verified(framed.payload, self._signers(case, _signatures(framed.signature)))

    def verify_detached(
        self, data: bytes, detached: bytes, keyrings: Sequence[Keyring], *, now: datetime, expired_keys: bool = False
    ) -> Verified:
        """Verifies a Release by its Release.gpg (armoured or not), as `verify_clearsigned`; the payload is `data`."""
        try:
            found = _signatures(dearmored(detached, "SIGNATURE"))
        except ArmorError as error:
            raise SignatureRefused(f"not signed: the signature file has {error}", Reason.NOT_SIGNED) from error
        if b"\r" in data and any(one.kind == Kind.TEXT for one in found):
            raise SignatureRefused("it has carriage returns, which a text signature does not cover", Reason.BAD)
        return Verified(data, self._signers(_Case(data, keyrings, now, expired_keys), found))

    def _signers(self, case: _Case, found: Sequence[Signature]) -> tuple[str, ...]:
        """Fingerprints of the signatures that count; SignatureRefused if there is none."""
        if not case.keyrings:
            raise SignatureRefused("there is no keyring to verify it with", Reason.NO_KEYRING)
        verdicts = [(one, self._verdict(case, one)) for one in found]
        good = {verdict for _, verdict in verdicts if isinstance(verdict, str)}
        if not good:
            raise _refusal([(one, verdict) for one, verdict in verdicts if isinstance(verdict, Objection)])
        return tuple(sorted(good))

    def _verdict(self, case: _Case, one: Signature) -> str | Objection:
        """The fingerprint of who signed, or why the signature does not count."""
        objection = object_to_signature(one, case.now)
        if objection is not None:
            return objection
        objection = Objection(Reason.UNKNOWN_KEY, f"which is in none of the keyrings ({_names(case.keyrings)})")
        for signer in signers(case.keyrings, one.issuer):
            objection = object_to_signer(one, signer, case.now, expired_keys=case.expired_keys)
            objection = objection or self._check(case.data, one, signer)
            if objection is None:
                return signer.primary
        return objection

    def _check(self, data: bytes, one: Signature, signer: Signer) -> Objection | None:
        for backend in self._backends:
            match backend.check(data, one, signer):
                case Answer.MATCHES:
                    return None
                case Answer.DIFFERS:
                    return Objection(Reason.BAD, "but the signature does not match the content")
                case Answer.CANNOT_TELL:
                    continue
        return Objection(Reason.UNSUPPORTED, f"a key that {self.name} cannot judge")


def _signatures(data: bytes) -> tuple[Signature, ...]:
    try:
        found = tuple(signature(packet) for packet in packets(data) if packet.tag == Tag.SIGNATURE)
    except PacketError as error:
        raise SignatureRefused(f"the signature cannot be read: {error}", Reason.BAD) from error
    if not found:
        raise SignatureRefused("not signed: there is no signature in it", Reason.NOT_SIGNED)
    if len(found) > MAX_SIGNATURES:
        raise SignatureRefused(f"it has {len(found)} signatures, more than {MAX_SIGNATURES}", Reason.BAD)
    return found


def _names(keyrings: Sequence[Keyring]) -> str:
    named = ", ".join(keyring.name for keyring in keyrings[:_NAMED_KEYRINGS])
    more = len(keyrings) - _NAMED_KEYRINGS
    return f"{named} and {more} more" if more > 0 else named


def _refusal(objections: Sequence[tuple[Signature, Objection]]) -> SignatureRefused:
    """One message for all signatures; the reason (and so the hint) is the most telling one."""
    order = list(Reason)
    reason = min((objection.reason for _, objection in objections), key=order.index)
    told = (f"signed by {one.issuer or 'a key not named'}, {objection.why}" for one, objection in objections)
    return SignatureRefused("; ".join(dict.fromkeys(told)), reason)
