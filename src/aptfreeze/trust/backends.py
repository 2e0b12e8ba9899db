# SPDX-License-Identifier: MIT
"""Which OpenPGP backends this machine has, and which is asked first."""

from aptfreeze.errors import RefusedError, UsageError
from aptfreeze.trust.gpgv import Gpgv
from aptfreeze.trust.openpgp import Backend, Verifier
from aptfreeze.trust.sequoia import Sequoia


def backend(name: str | None = None) -> Verifier:
    """The verifier of this machine: `sequoia` or `gpgv` first if named, else sequoia, which is faster.

    The other one, where it is there, is asked what the first cannot judge. RefusedError with the packages to install
    if the named one, or both, are missing.
    """
    if name not in (None, Sequoia.name, Gpgv.name):
        raise UsageError(f"{name!r} is no OpenPGP backend", hint="[trust] backend is sequoia or gpgv")
    found: list[Backend] = [one for one in (Sequoia.find(), Gpgv.find()) if one is not None]
    found.sort(key=lambda one: one.name != name)
    if not found or name not in (None, found[0].name):
        missing = f"{name} is not" if name else "neither pysequoia nor gpgv is"
        raise RefusedError(
            f"signatures cannot be verified: {missing} installed",
            hint="apt-get install gpgv, or pip install pysequoia (Debian 13: apt-get install python3-pysequoia)",
        )
    return Verifier(found)
