# SPDX-License-Identifier: MIT
"""Suites signed anew: the environment's key, and what is served with it instead of an archive's own signature.

For clients that can be given a keyring but no apt options, and for suites whose key has expired.

Rule 1: only what was verified when it was pinned is signed, and only the fields that time makes wrong are taken out:
Valid-Until, and Signed-By, which names the archive's keys. Date and every hash stay.
Rule 2: what is made follows from the pinned file and the key alone. So nothing is stored but the key: after a restart,
and on another machine that has the same key, the same bytes are made again.
Rule 3: the signature is as old as the Release, not as old as the pin or the run: see `trust.signing`.
Rule 4: the private half of the key is in one file that only its owner can read, and goes nowhere else.
"""

from datetime import datetime, timedelta
from pathlib import Path

from aptfreeze.deb.deb822 import without_fields
from aptfreeze.environment import files
from aptfreeze.environment.store import EnvironmentStore
from aptfreeze.errors import UsageError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.roots import root_file
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Pin
from aptfreeze.freeze.outcome import PinnedResigned
from aptfreeze.settings import ResignSettings
from aptfreeze.trust import clearsign
from aptfreeze.trust.signing import EPOCH, SigningKey, SigningKeyError
from aptfreeze.values import immutable

_USER_ID = "aptfreeze: frozen suites, signed again"
_DROPPED = frozenset({b"valid-until", b"signed-by"})
_DATES = 1000


def resigned(name: str, release: bytes, key: SigningKey, date: datetime | None) -> bytes:
    """`InRelease`, `Release` or `Release.gpg` of a suite, from the verified text of its Release."""
    text, _ = clearsign.canonical(without_fields(release, _DROPPED))  # one text, whichever of the files is asked
    match name:
        case "InRelease":
            return key.clearsigned(text, date or EPOCH)
        case "Release.gpg":
            return key.detached(text, date or EPOCH)
        case _:
            return text


@immutable
class Resigned:
    """A file that was signed anew. It is in no archive, since it can be made at any time."""

    data: bytes
    digest: Digest
    last_modified: datetime | None


class Resigning:
    """The signing of one session. Mutable state: the files made, by pinned file and file name."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        self._made: dict[tuple[Digest, str], Resigned] = {}

    def __repr__(self) -> str:
        return f"<Resigning {len(self._made)} files by {self._key.public.fingerprint}>"

    def file(self, lookup: Lookup, found: PinnedResigned) -> Resigned:
        """Blocks: 10 ms at first, if the archive has what is pinned."""
        place = (root_file(found.key, found.pin).wanted.digest, found.name)
        if place not in self._made:
            release = lookup.payload(found.key, found.pin)
            data = resigned(found.name, release, self._key, found.pin.date)
            self._made[place] = Resigned(data, Digest.of(data), last_modified(found.pin, self._key))
        return self._made[place]


def last_modified(pin: Pin, key: SigningKey) -> datetime | None:
    """What is told as the time of the files: never that of the archive's own, and another one for most other keys.

    So a client that holds a file with another signature gets the whole, not a "not modified". Some minutes before the
    Date, not after it: a client that shows a later time than the Date has lists that are newer than the pin.
    """
    if pin.date is None:
        return None
    return pin.date - timedelta(seconds=1 + int(key.public.fingerprint, 16) % _DATES)


# --- the key on disk -------------------------------------------------------------------------------------------------


def obtain_key(store: EnvironmentStore, settings: ResignSettings) -> SigningKey:
    """The key of the settings; the environment's own is made when it is needed first. Blocks.

    UsageError if it cannot be read, can be read by others, is no key, or cannot be made.
    """
    if settings.key_file is not None:
        return _read(settings.key_file) or _missing(settings.key_file)
    path = store.environment.resign_key
    if path.is_symlink():
        raise UsageError(f"{path} is a symbolic link, which aptfreeze does not make", hint=f"remove it: rm {path}")
    return _read(path) or _made(store, path)


def _made(store: EnvironmentStore, path: Path) -> SigningKey:
    if store.is_read_only:
        raise UsageError(
            f"{store.environment.root} cannot be written, and has no key to sign with ({path})",
            hint='run "aptfreeze key" once where it can be written, or let resign_key name a private key',
        )
    with store.exclusive():
        if known := _read(path):  # another command was faster
            return known
        key = SigningKey.generate(_USER_ID)
        files.replace(path, key.private, mode=0o600)
    return key


def _read(path: Path) -> SigningKey | None:
    """None if there is no such file."""
    data = files.read_private(path, ", and make a new key if somebody else may have read it")
    if data is None:
        return None
    try:
        return SigningKey.parse(data)
    except SigningKeyError as error:
        raise UsageError(
            f"{path} cannot be used to sign: {error}",
            hint='a key is made by "aptfreeze key" in an environment without resign_key, or by gpg: '
            "gpg --quick-generate-key NAME ed25519 sign, without a passphrase",
        ) from error


def _missing(path: Path) -> SigningKey:
    raise UsageError(
        f"resign_key names {path}, which does not exist",
        hint="copy the private key there (.aptfreeze/resign.key of the environment that made it), with mode 600",
    )
