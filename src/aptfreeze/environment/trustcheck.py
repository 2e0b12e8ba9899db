# SPDX-License-Identifier: MIT
"""Whether the original signature of a pin still holds, and if not, whether it did when the pin was made.

Rule 1: only the signers that the lock file names count. A key that came into the keyrings since proves nothing about
a pin, whatever it signs.
Rule 2: what is verified is the stored file itself; the archive has checked that it is the one that is pinned.
Rule 3: time changes what is said, and nothing else: a pin is served all the same.
Rule 4: a signature is judged at a time when it existed, whatever a clock that is behind says.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from enum import StrEnum

from aptfreeze.archive.objects import Objects
from aptfreeze.environment.pinning import Judges
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import InRelease, Pin, ReleasePair, SuiteKey
from aptfreeze.trust import clearsign
from aptfreeze.trust.armor import ArmorError, dearmored
from aptfreeze.trust.keyring import Keyring, Signer, signers
from aptfreeze.trust.openpgp import Verified
from aptfreeze.trust.packets import PacketError, Signature, Tag, packets, signature
from aptfreeze.trust.refusal import Reason, SignatureRefused
from aptfreeze.values import immutable

_LARGEST = 64 << 20
"""Bytes of a Release."""


class Verdict(StrEnum):
    """What the stored signature of a pin is worth today."""

    GOOD = "good"
    EXPIRED = "expired"
    """It was good at pinning; the key has expired since."""
    REVOKED = "revoked"
    """The key is revoked, so that nothing which it has signed counts."""
    UNKNOWN = "unknown signer"
    """None of the signers that the lock names is in today's keyrings."""
    BAD = "bad"
    """The bytes are not those that were signed, or that were pinned."""
    MISSING = "not archived"
    """The archive does not hold the signed file, so nothing can be said."""
    UNSIGNED = "unsigned"
    """The lock names no signers: the configuration allowed that."""


@immutable
class SignerKey:
    """A signer that the lock names, as today's keyrings know it."""

    fingerprint: str
    is_known: bool
    """Whether it is in today's keyrings."""
    expires: datetime | None = None
    """The earlier end of the key that signed and its primary key; None: no end, or nothing known."""


@immutable
class TrustCheck:
    """What there is to say about the signature of one pin."""

    verdict: Verdict
    text: str
    """For people, without the suite's name: `good, signed by 4CB5...`."""
    keys: tuple[SignerKey, ...] = ()
    """One for each signer that the lock names."""
    since: datetime | None = None
    """Of EXPIRED: when the last of the keys did."""

    @property
    def was_good(self) -> bool:
        """Whether the signature was good at pinning, as far as one can tell today."""
        return self.verdict in (Verdict.GOOD, Verdict.EXPIRED)


def check(objects: Objects, judges: Judges, key: SuiteKey, pin: Pin) -> TrustCheck:
    """Verify the stored signature of a pin again; blocks. UsageError for keyrings of the configuration that cannot be
    read, RefusedError if this machine cannot verify signatures."""
    digests = _digests(pin)
    if not pin.signers or not digests:
        return TrustCheck(Verdict.UNSIGNED, "unsigned, as [trust] unsigned allowed when it was pinned")
    was_held = all(objects.has(digest) for digest in digests)
    files = [data for digest in digests if (data := objects.read(digest, _LARGEST)) is not None]
    if len(files) < len(digests):
        if was_held:
            return TrustCheck(Verdict.BAD, "the stored file was damaged, and is in quarantine")
        return TrustCheck(Verdict.MISSING, "the signed file is not in the archive, so its signature cannot be verified")
    signed = _Signed(*files)
    known = _narrowed(judges.keyrings(key.repository), pin.signers)
    keys = tuple(_keys(pin, known, signed.signatures()))
    if not any(each.is_known for each in keys):
        named = ", ".join(pin.signers)
        return TrustCheck(Verdict.UNKNOWN, f"no keyring has a key of the signers that the lock names ({named})", keys)
    return _judged(judges, signed, known, keys)


def _digests(pin: Pin) -> list[Digest]:
    match pin.root:
        case InRelease(inrelease):
            return [inrelease]
        case ReleasePair(release, release_gpg) if release_gpg is not None:
            return [release, release_gpg]
        case _:
            return []


@immutable
class _Signed:
    """The stored files of a pin: InRelease alone, or Release and its signature."""

    data: bytes
    detached: bytes | None = None

    def verify(self, judges: Judges, known: Sequence[Keyring], now: datetime, *, expired_keys: bool) -> Verified:
        if self.detached is None:
            return judges.verifier().verify_clearsigned(self.data, known, now=now, expired_keys=expired_keys)
        return judges.verifier().verify_detached(self.data, self.detached, known, now=now, expired_keys=expired_keys)

    def signatures(self) -> list[Signature]:
        """Those that can be read; none if the file has another form than it should, which `verify` will tell."""
        try:
            binary = self._packets()
            return [signature(packet) for packet in packets(binary) if packet.tag == Tag.SIGNATURE]
        except (clearsign.FramingError, ArmorError, PacketError):
            return []

    def _packets(self) -> bytes:
        if self.detached is None:
            return clearsign.parse(self.data).signature
        return dearmored(self.detached, "SIGNATURE")


def _narrowed(keyrings: Sequence[Keyring], fingerprints: Collection[str]) -> list[Keyring]:
    """The same keyrings with nothing but the certificates of these primary keys."""
    narrowed = (
        Keyring(each.name, tuple(one for one in each.certificates if one.primary.public.fingerprint in fingerprints))
        for each in keyrings
    )
    return [each for each in narrowed if each.certificates]


def _keys(pin: Pin, known: Sequence[Keyring], found: Sequence[Signature]) -> Iterator[SignerKey]:
    in_keyrings = {one.primary.public.fingerprint for each in known for one in each.certificates}
    signing = [signer for one in found for signer in signers(known, one.issuer)]
    for fingerprint in pin.signers:
        yield SignerKey(fingerprint, fingerprint in in_keyrings, _end(fingerprint, signing))


def _end(fingerprint: str, signing: Sequence[Signer]) -> datetime | None:
    return max((one.expires for one in signing if one.primary == fingerprint and one.expires), default=None)


def _judged(judges: Judges, signed: _Signed, known: Sequence[Keyring], keys: tuple[SignerKey, ...]) -> TrustCheck:
    made = [one.created for one in signed.signatures() if one.created and signers(known, one.issuer)]
    now = max([judges.now(), *made])
    try:
        verified = signed.verify(judges, known, now, expired_keys=False)
        return TrustCheck(Verdict.GOOD, f"good, signed by {', '.join(verified.signers)}", keys)
    except SignatureRefused:
        pass  # of several signatures, one that does not hold must not hide another one whose key has expired
    try:
        verified = signed.verify(judges, known, now, expired_keys=True)
    except SignatureRefused as refused:
        return _refused(refused, keys)
    since = max((each.expires for each in keys if each.expires and each.fingerprint in verified.signers), default=None)
    day = f" {since:%Y-%m-%d}" if since else ""
    text = f"was good at pinning, signed by {', '.join(verified.signers)}; key expired since{day}"
    return TrustCheck(Verdict.EXPIRED, text, keys, since)


def _refused(refused: SignatureRefused, keys: tuple[SignerKey, ...]) -> TrustCheck:
    match refused.reason:
        case Reason.REVOKED_KEY:
            return TrustCheck(Verdict.REVOKED, refused.message, keys)
        case Reason.UNKNOWN_KEY:
            return TrustCheck(Verdict.UNKNOWN, f"no signer that the lock names has signed it: {refused.message}", keys)
        case _:
            return TrustCheck(Verdict.BAD, refused.message, keys)
