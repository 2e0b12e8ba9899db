# SPDX-License-Identifier: MIT
"""Verification by gpgv, GnuPG's verifier (about 3 ms a signature; every Debian before 13 has it for apt).

Rule 1: the exit status is not looked at. It is 0 for revoked and expired keys, and 1 for one bad signature beside a
good one; the lines of `--status-fd` (GnuPG's doc/DETAILS) tell what was found.
Rule 2: one signature and the certificate of one signer in each question, in a folder of its own: nothing of the
user's GnuPG home, and no doubt which signature a line is about.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from aptfreeze.errors import AptfreezeError
from aptfreeze.trust.keyring import Signer
from aptfreeze.trust.openpgp import Answer
from aptfreeze.trust.packets import Signature

TIMEOUT_S = 60
_STATUS = "[GNUPG:] "
# Good as such; expiry is for `policy` to judge. Not REVKEYSIG and EXPSIG: those never count.
_GOOD = frozenset({"GOODSIG", "EXPKEYSIG"})
_NOT_GOOD = frozenset({"BADSIG", "ERRSIG", "REVKEYSIG", "EXPSIG"})
_ALGORITHMS = frozenset({1, 3, 19, 22})
"""RSA, ECDSA, EdDSA as all GnuPG versions know them; not the newer numbers of RFC 9580."""


class Gpgv:
    """The backend `gpgv`."""

    name = "gpgv"

    def __init__(self, program: str) -> None:
        self._program = program

    @classmethod
    def find(cls) -> Self | None:
        """The backend, if the program is there."""
        program = shutil.which("gpgv")
        return cls(program) if program else None

    def check(self, data: bytes, signature: Signature, signer: Signer) -> Answer:
        if not {signer.public.algorithm, signer.primary_public.algorithm} <= _ALGORITHMS:
            return Answer.CANNOT_TELL
        with tempfile.TemporaryDirectory(prefix="aptfreeze-gpgv-") as folder:
            status = self._ask(Path(folder), data, signature, signer)
        return Answer.MATCHES if is_good(status, signer.public.fingerprint) else Answer.DIFFERS

    def _ask(self, folder: Path, data: bytes, signature: Signature, signer: Signer) -> str:
        """gpgv's status lines; AptfreezeError if it did not get so far."""
        keyring, signed, detached = folder / "keyring.gpg", folder / "data", folder / "signature"
        keyring.write_bytes(signer.certificates)
        signed.write_bytes(data)
        detached.write_bytes(bytes(signature.packet))
        options = ["--homedir", os.fspath(folder), "--status-fd", "1", "--keyring", os.fspath(keyring)]
        command = [self._program, *options, os.fspath(detached), os.fspath(signed)]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise AptfreezeError(f"{self._program} could not verify a signature: {error}") from error
        if _STATUS not in done.stdout.decode(errors="replace"):
            said = done.stderr.decode(errors="replace").strip()
            raise AptfreezeError(f"{self._program} could not verify a signature (status {done.returncode}): {said}")
        return done.stdout.decode(errors="replace")


def is_good(status: str, fingerprint: str) -> bool:
    """Whether the status lines of one signature say that it matches and was made by this very key."""
    lines = [line.removeprefix(_STATUS).split() for line in status.splitlines() if line.startswith(_STATUS)]
    words = {word for word, *_ in filter(None, lines)}
    signing_keys = [line[1].upper() for line in lines if line[:1] == ["VALIDSIG"] and len(line) > 1]
    return bool(words & _GOOD) and not words & _NOT_GOOD and signing_keys == [fingerprint]
