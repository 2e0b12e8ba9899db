# SPDX-License-Identifier: MIT
"""Which signatures count: decided from what signatures and keys say of themselves. Pure, alike for every backend.

A signature counts if
- its type is that of a signature over a file, its hash is SHA-2 or SHA-3 with at least 224 bits, the key is RSA of at
  least 2048 bits or one on an elliptic curve (what apt 2.9 and newer demand; SHA-1, MD5, RIPEMD-160 and DSA: WEAK);
- neither the key nor its primary key is revoked in any keyring, for whatever reason and whenever;
- the key was alive when it signed and is so now. `expired_keys` drops the second half: an archived state stays
  verifiable after its key has expired. That is nothing for a live mirror, since an old key that leaked could sign
  with an old time: so it takes an explicit line, `[trust] expired`, like a Release after its Valid-Until, or that
  somebody asks for the state of a date;
- it is not itself expired, and not made in the future;
- a backend says that it matches (`openpgp`).

One signature that counts is enough, also beside ones that do not (apt decides so too): a mirror can always add
signatures, and files are signed by old and new keys while an archive moves from one to the other.
"""

from datetime import datetime, timedelta

from aptfreeze.trust.keyring import Signer
from aptfreeze.trust.packets import Kind, PublicKey, Signature
from aptfreeze.trust.refusal import Reason
from aptfreeze.values import immutable

FUTURE_SLACK = timedelta(seconds=10)
"""How much the clocks of archive and client may differ; apt's own (`Acquire::Max-FutureTime`)."""

# RFC 9580 9.5 and 9.1.
HASH_NAMES = {1: "MD5", 2: "SHA1", 3: "RIPEMD160", 8: "SHA256", 9: "SHA384", 10: "SHA512", 11: "SHA224", 12: "SHA3-256"}
STRONG_HASHES = frozenset({8, 9, 10, 11, 12, 14})
_RSA = frozenset({1, 3})
_ELLIPTIC = frozenset({19, 22, 27, 28})
_MIN_RSA_BITS = 2048


@immutable
class Objection:
    """Why a signature does not count."""

    reason: Reason
    why: str
    """Goes on after "signed by KEY, ": "which expired 2016-01-01"."""


def object_to_signature(signature: Signature, now: datetime) -> Objection | None:
    """What speaks against a signature whoever made it; None: nothing."""
    if signature.version != 4 or signature.kind not in (Kind.BINARY, Kind.TEXT) or signature.created is None:
        return Objection(Reason.UNSUPPORTED, f"with a signature of version {signature.version} that is not supported")
    if signature.hash_algorithm not in STRONG_HASHES:
        name = HASH_NAMES.get(signature.hash_algorithm, f"hash algorithm {signature.hash_algorithm}")
        return Objection(Reason.WEAK, f"with {name}, which is too weak to count")
    if signature.created > now + FUTURE_SLACK:
        return Objection(Reason.FUTURE, f"on {_text(signature.created)}, which is in the future (it is {_text(now)})")
    if signature.expires is not None and signature.expires <= now:
        return Objection(Reason.EXPIRED_SIGNATURE, f"with a signature that expired {_text(signature.expires)}")
    return None


def object_to_signer(signature: Signature, signer: Signer, now: datetime, *, expired_keys: bool) -> Objection | None:
    """What speaks against a signature because of its key; None: nothing."""
    if signer.revoked:
        return Objection(Reason.REVOKED_KEY, "which is revoked")
    if not (_is_strong(signer.public) and _is_strong(signer.primary_public)):
        return Objection(Reason.WEAK, "which is too weak a key to count (RSA needs 2048 bits, DSA never counts)")
    assert signature.created is not None
    if signer.expires is None or signer.expires > now:
        return None
    if signer.expires <= signature.created:
        return Objection(Reason.EXPIRED_KEY, f"which expired {_text(signer.expires)}, before it signed")
    return None if expired_keys else Objection(Reason.EXPIRED_KEY, f"which expired {_text(signer.expires)}")


def _is_strong(key: PublicKey) -> bool:
    return key.algorithm in _ELLIPTIC or (key.algorithm in _RSA and key.bits >= _MIN_RSA_BITS)


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
