# SPDX-License-Identifier: MIT
"""What the verifier asks of an OpenPGP backend: the seam between `openpgp` and `sequoia`, `gpgv`."""

from enum import StrEnum
from typing import Protocol

from aptfreeze.trust.keyring import Signer
from aptfreeze.trust.packets import Signature


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
