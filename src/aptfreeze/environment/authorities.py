# SPDX-License-Identifier: MIT
"""The authority for TLS certificates on disk: one for each user of the machine, made when it is needed first.

Rule 1: key and certificate are one file, which only its owner can read; so there is never one without the other.
Rule 2: an authority that may sign for some hosts only is another one, in a file of its own beside: who was told to
trust one does not trust the other by that.
Rule 3: it is no part of an environment, and never of a product's git.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aptfreeze.environment import files
from aptfreeze.environment.locking import exclusive
from aptfreeze.environment.process import Process
from aptfreeze.errors import AptfreezeError, UsageError
from aptfreeze.settings import InterceptSettings
from aptfreeze.trust.pem import certificate_in

if TYPE_CHECKING:
    from aptfreeze.trust.authority import Authority

SYSTEM_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
"""Those that the system trusts, in one file: Debian's place for it."""


def authority_file(settings: InterceptSettings) -> Path:
    """Where the authority of these settings is kept."""
    path = settings.authority
    if not settings.certificates_for:
        return path
    names = hashlib.sha256("\n".join(settings.certificates_for).encode()).hexdigest()[:16]
    return path.with_name(f"{path.stem}-{names}{path.suffix}")


def certificate(settings: InterceptSettings, process: Process) -> bytes:
    """The certificate (PEM) alone, which takes no time if there is one; else the authority is made. UsageError."""
    found = certificate_in(_read(authority_file(settings)) or b"")
    return obtain_authority(settings, process).certificate if found is None else found


def obtain_authority(settings: InterceptSettings, process: Process) -> "Authority":
    """The authority, made if need be. Blocks. UsageError if it is no good, can be read by others, or cannot be made;
    AptfreezeError if nothing here can make certificates."""
    path = authority_file(settings)
    with _cryptography():
        return _parsed(path) or _made(path, settings, process)


def held_authority(settings: InterceptSettings) -> "Authority | None":
    """The same, and None if it has not been made yet."""
    with _cryptography():
        return _parsed(authority_file(settings))


@contextmanager
def _cryptography() -> Iterator[None]:
    try:
        yield
    except ImportError as error:  # it is required, but may be gone, or not be for this Python
        raise AptfreezeError(
            f"certificates for https cannot be made: {error}",
            hint="reinstall the Python package cryptography (Debian: python3-cryptography)",
        ) from error


def check_makeable(path: Path) -> None:
    """UsageError if there is no authority, and none can be made there; AptfreezeError as `obtain_authority`."""
    if path.exists():
        return
    with _cryptography():
        from cryptography import x509  # noqa: F401 - start-up time
    above = next(folder for folder in path.parents if folder.exists())
    if not os.access(above, os.W_OK | os.X_OK, effective_ids=True):
        raise UsageError(
            f"{path} cannot be made: {above} cannot be written by this user",
            hint="name a file elsewhere with [tls] authority in aptfreeze.toml",
        )


def _made(path: Path, settings: InterceptSettings, process: Process) -> "Authority":
    from aptfreeze.trust.authority import Authority  # start-up time

    check_makeable(path)
    files.make_folder(path.parent)
    with exclusive(path.with_name(f".{path.name}.mutex"), process):
        if known := _parsed(path):  # another command was faster
            return known
        made = Authority.generate(_title(), settings.certificates_for)
        files.replace(path, made.pem, mode=0o600)
    return made


def _title() -> str:
    """The name in the certificate, by which a person finds it among others."""
    return f"aptfreeze on {os.uname().nodename[:30]}, {datetime.now(UTC):%Y-%m-%d}"


def _parsed(path: Path) -> "Authority | None":
    from aptfreeze.trust.authority import Authority, AuthorityError  # start-up time

    data = _read(path)
    if data is None:
        return None
    try:
        return Authority.parse(data)
    except AuthorityError as error:
        raise UsageError(
            f"{path} cannot be used to sign certificates: {error}",
            hint="move it away: a new one is made then, which clients have to be told to trust (aptfreeze ca)",
        ) from error


def _read(path: Path) -> bytes | None:
    """None if there is no such file."""
    return files.read_private(path, "; if somebody else may have read it, remove it, and let clients trust the new one")
