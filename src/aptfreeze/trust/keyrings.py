# SPDX-License-Identifier: MIT
"""Which keyrings count for a repository: those of the configuration, else what apt itself would use.

Rule 1: configuration replaces, it does not add: whoever names a keyring means this one and no other.
Rule 2: a configured keyring that cannot be read is an error; one of the system is left out, as apt does it.
Rule 3: keys that were withdrawn (`*-removed-keys`) and keys of developers never count: the folders are searched for
archive keyrings by name, not for all there is.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from aptfreeze.errors import UsageError
from aptfreeze.settings import TrustSettings
from aptfreeze.trust.aptsources import SignedBy, deb822_entries, one_line_entries
from aptfreeze.trust.keyring import Keyring, KeyringError

MAX_KEYRING = 16 << 20
"""Bytes of a keyring file."""
_SUFFIXES = frozenset({".gpg", ".asc", ".pgp"})


def keyrings_for(repository: str, configured: TrustSettings, root: Path = Path("/")) -> tuple[Keyring, ...]:
    """The keyrings for `repository` (`host/path`), read. UsageError if one of the configuration cannot be used.

    `root` is where the system's files are looked up; paths of the configuration are taken as they are. Empty if
    nothing is configured and the system has nothing.
    """
    paths = configured.repository_keyrings.get(repository) or configured.keyrings
    if paths:
        return tuple(_configured(path) for path in paths)
    return tuple(_of_the_system(repository, root))


def _configured(path: Path) -> Keyring:
    try:
        return _read(path)
    except OSError as error:
        reason = error.strerror or str(error)
    except KeyringError as error:
        reason = str(error)
    raise UsageError(
        f"keyring {path} cannot be used: {reason}",
        hint="correct [trust] keyrings in aptfreeze.toml; it takes files of OpenPGP public keys, binary or armoured",
    )


def _of_the_system(repository: str, root: Path) -> Iterator[Keyring]:
    """In the order in which they are most likely to fit; each file once."""
    entries = [entry for entry in signed_by_entries(root) if repository in entry.repositories]
    for entry in entries:
        if entry.inline:
            yield from _if_usable("Signed-By of this machine's apt sources", entry.inline)
    seen: set[str] = set()
    named = (root / name.lstrip("/") for entry in entries for name in entry.files)
    for path in (*named, *_found(root)):
        if (real := os.path.realpath(path)) not in seen:
            seen.add(real)
            yield from _readable(path)


def _found(root: Path) -> Iterator[Path]:
    apt = root / "etc/apt"
    yield apt / "trusted.gpg"
    yield from _keyring_files(apt / "trusted.gpg.d")
    yield from _keyring_files(apt / "keyrings")
    yield from (path for path in _keyring_files(root / "usr/share/keyrings") if path.stem.endswith("-archive-keyring"))


def _keyring_files(folder: Path) -> list[Path]:
    return [
        path
        for path in _listing(folder)
        if path.suffix in _SUFFIXES and not path.stem.endswith("-removed-keys") and not path.name.startswith(".")
    ]


def signed_by_entries(root: Path) -> Iterator[SignedBy]:
    """What the machine's own sources say of keys."""
    apt = root / "etc/apt"
    for path in (apt / "sources.list", *_listing(apt / "sources.list.d")):
        parse = {".list": one_line_entries, ".sources": deb822_entries}.get(path.suffix)
        if parse is not None:
            try:
                yield from parse(path.read_bytes())
            except OSError:
                continue  # no sources.list at all is usual


def _listing(folder: Path) -> Iterable[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return ()


def _readable(path: Path) -> Iterator[Keyring]:
    try:
        yield _read(path)
    except (OSError, KeyringError):
        return


def _if_usable(name: str, data: bytes) -> Iterator[Keyring]:
    try:
        yield Keyring.parse(name, data)
    except KeyringError:
        return


def _read(path: Path) -> Keyring:
    with path.open("rb") as file:
        data = file.read(MAX_KEYRING + 1)
    if len(data) > MAX_KEYRING:
        raise KeyringError(f"it is larger than {MAX_KEYRING} bytes")
    return Keyring.parse(str(path), data)
