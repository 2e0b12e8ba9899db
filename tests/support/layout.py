# SPDX-License-Identifier: MIT
"""What kind of repository a test wants."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    """What kind of repository it is; the defaults are those of Debian's own."""

    suite: str = "bookworm"
    """The folder below `dists/`; a flat repository has none."""
    suite_field: str = "stable"
    codename: str = "bookworm"
    aliases: tuple[str, ...] = ()
    """Other names in `dists/`, symbolic links to the suite."""
    flat: bool = False
    """Indexes and packages lie together in the repository's folder; `deb URL ./`."""
    label: str = "Test"
    """Label and Origin."""
    components: tuple[str, ...] = ("main",)
    architectures: tuple[str, ...] = ("amd64",)
    separate_all: bool = False
    """Whether packages of architecture `all` are in an index of their own, and only there."""
    hashes: tuple[str, ...] = ("MD5Sum", "SHA256")
    """In Release and in the indexes; also SHA1 and SHA512."""
    listed: tuple[str, ...] = ("", ".gz", ".xz")
    """Compressions of the indexes that Release lists."""
    stored: tuple[str, ...] = (".gz", ".xz")
    """Compressions of the indexes that the mirror has."""
    by_hash: bool = True
    """Whether the mirror has by-hash folders, one for each of `hashes`."""
    acquire_by_hash: bool | None = None
    """Whether Release says so; None: it tells the truth."""
    inrelease: bool = True
    release: bool = True
    """Whether there are a Release and, if signed, a Release.gpg."""
    pdiffs: bool = False
    """Whether there is a working Packages.diff from the state before."""
