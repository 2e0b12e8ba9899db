# SPDX-License-Identifier: MIT
"""Verification by Sequoia, through the Python module pysequoia (under 1 ms a signature).

How it is asked: signature and data are put together to a one-pass signed message (RFC 9580 10.3), since that is what
`pysequoia.verify` takes in every version; detached signatures came only after 0.1.27, which Debian 13 has.

Its policy is fixed in its code and is not ours. When it refuses what is outside of our policy (a key that certified
itself with SHA-1, or again after it had made the signature; a curve that its cryptographic library lacks), the answer
is that it cannot tell.
"""

import importlib
from types import ModuleType
from typing import Self

from aptfreeze.trust.keyring import Signer
from aptfreeze.trust.openpgp import Answer
from aptfreeze.trust.packets import Packet, PublicKey, Signature, Tag
from aptfreeze.trust.policy import STRONG_HASHES

_ONE_PASS = 4
_RSA_AND_EDWARDS = frozenset({1, 3, 22, 27})
_NIST_CURVES = frozenset(
    bytes.fromhex(oid)
    for oid in ("2a8648ce3d030107", "2b81040022", "2b81040023")  # P-256, P-384, P-521
)


class Sequoia:
    """The backend `sequoia`."""

    name = "sequoia"

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    @classmethod
    def find(cls) -> Self | None:
        """The backend, if pysequoia is installed and able."""
        try:
            module = importlib.import_module("pysequoia")
        except ImportError:
            return None
        return cls(module) if hasattr(module, "verify") and hasattr(module.Cert, "split_bytes") else None

    def check(self, data: bytes, signature: Signature, signer: Signer) -> Answer:
        if self._matches(data, signature, signer):
            return Answer.MATCHES
        return Answer.DIFFERS if _is_sure(signature, signer) else Answer.CANNOT_TELL

    def _matches(self, data: bytes, signature: Signature, signer: Signer) -> bool:
        try:
            certificates = self._module.Cert.split_bytes(signer.certificates)
            result = self._module.verify(bytes=_message(data, signature), store=lambda _key_ids: certificates)
        except (RuntimeError, ValueError, OSError):  # "no valid signatures found" and what it says of damaged packets
            return False
        # Nobody but us put the message together; still, only what the library read and whom it found counts.
        keys = {found.signing_key.upper() for found in result.valid_sigs}
        return bytes(result.bytes) == data and signer.public.fingerprint in keys


def _is_sure(signature: Signature, signer: Signer) -> bool:
    """Whether a refusal can only be about the signature, not about the key."""
    keys = (signer.public, signer.primary_public)
    bound_in_time = signature.created is not None and signer.bound is not None and signer.bound <= signature.created
    return bound_in_time and signer.binding_hashes <= STRONG_HASHES and all(_is_supported(key) for key in keys)


def _is_supported(key: PublicKey) -> bool:
    return key.algorithm in _RSA_AND_EDWARDS or (key.algorithm == 19 and key.curve in _NIST_CURVES)


def _message(data: bytes, signature: Signature) -> bytes:
    """`data` as a signed message: one-pass signature, literal data, signature (RFC 9580 5.4, 5.9)."""
    algorithms = bytes([signature.hash_algorithm, signature.key_algorithm])
    announced = bytes([3, signature.kind]) + algorithms + bytes.fromhex(signature.issuer) + b"\x01"
    literal = b"b\0" + bytes(4) + data  # binary, no name, no time
    return bytes(Packet(_ONE_PASS, announced)) + bytes(Packet(Tag.LITERAL, literal)) + bytes(signature.packet)
