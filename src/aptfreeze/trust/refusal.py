# SPDX-License-Identifier: MIT
"""Why a signature does not count, in words for the person who has to fix it."""

from enum import StrEnum
from typing import Self

from aptfreeze.errors import RefusedError


class Reason(StrEnum):
    """In the order of what helps most to know, where the signatures of one file fail for several reasons."""

    NO_KEYRING = "no keyring"
    NOT_SIGNED = "not signed"
    BAD = "bad signature"
    REVOKED_KEY = "revoked key"
    EXPIRED_KEY = "expired key"
    EXPIRED_SIGNATURE = "expired signature"
    FUTURE = "signature from the future"
    WEAK = "weak signature"
    UNSUPPORTED = "unsupported signature"
    UNKNOWN_KEY = "unknown key"


_ADD_KEYRING = (
    "put the repository's key into a file and name that in aptfreeze.toml: [trust] keyrings = [...], or for this "
    'repository alone [trust.repository."host/path"] keyrings = [...]'
)
_AS_UNSIGNED = '[trust] unsigned = ["host/path suite"] in aptfreeze.toml pins it all the same, as unsigned'

HINTS = {
    Reason.NO_KEYRING: f"{_ADD_KEYRING}; for Debian itself install debian-archive-keyring",
    Reason.NOT_SIGNED: _AS_UNSIGNED,
    Reason.BAD: "it was changed or damaged on its way: try again, or another mirror ([mirrors] in aptfreeze.toml)",
    Reason.REVOKED_KEY: f"the key must not be used any more; for its successor {_ADD_KEYRING}",
    Reason.EXPIRED_KEY: (
        "get the prolonged key from the repository's owner, or, for an old state signed while the key was alive, "
        '[trust] expired = ["host/path suite"] in aptfreeze.toml'
    ),
    Reason.EXPIRED_SIGNATURE: f"a newer state of it may have a newer signature; {_AS_UNSIGNED}",
    Reason.FUTURE: "is the clock of this machine right?",
    Reason.WEAK: f"ask the repository's owner for a signature with SHA256 or better; {_AS_UNSIGNED}",
    Reason.UNSUPPORTED: f"install both gpgv (package gpgv) and pysequoia (package python3-pysequoia); {_AS_UNSIGNED}",
    Reason.UNKNOWN_KEY: _ADD_KEYRING,
}


class SignatureRefused(RefusedError):
    """A file is not signed, or not in a way that counts. The message has no subject yet: see `about`."""

    def __init__(self, message: str, reason: Reason, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint or HINTS[reason])
        self.reason = reason

    def about(self, subject: str) -> Self:
        """The same refusal with the file's name in front: `InRelease of mirror.example.org/debian bookworm`."""
        return type(self)(f"{subject}: {self.message}", self.reason, hint=self.hint)
