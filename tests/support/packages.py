# SPDX-License-Identifier: MIT
"""Small Debian packages, written byte by byte: a package of 300 KB needs a millisecond, `dpkg-deb` needs fifty.

The files are real: dpkg installs the `.deb`, `dpkg-source` unpacks the `.dsc`. The same arguments give the same bytes;
`salt` makes other bytes of the same name, version and size (a republished version).
"""

import hashlib
import io
import lzma
import random
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT_SIZE = 2_000


@dataclass(frozen=True, slots=True)
class Binary:
    """One `.deb` or `.udeb`, as the tests ask for it."""

    name: str
    version: str
    architecture: str = "amd64"
    component: str = "main"
    size: int = DEFAULT_SIZE
    """Of the incompressible payload, in bytes; the file is about 10 KB larger."""
    udeb: bool = False
    filename: str = ""
    """Where it lies below the repository; empty: where Debian would put it."""
    salt: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    """More control fields: Depends, Source, Built-Using."""
    changelog: bytes = b""
    """In gzip, where Debian's policy wants it."""
    copyright: bytes = b""

    @property
    def path(self) -> str:
        """The Filename of its stanza; as in Debian's pool, the epoch is not part of it."""
        suffix = "udeb" if self.udeb else "deb"
        source = self.fields.get("Source", self.name).split()[0]
        file = f"{self.name}_{_without_epoch(self.version)}_{self.architecture}.{suffix}"
        return self.filename or f"{pool_folder(self.component, source)}/{file}"

    @property
    def control(self) -> dict[str, str]:
        """The control fields of the package itself, without those that only an index has."""
        return {
            "Package": self.name,
            "Version": self.version,
            "Architecture": self.architecture,
            "Maintainer": "Test Archive <archive@example.org>",
            "Section": "debian-installer" if self.udeb else "misc",
            "Priority": "optional",
            "Installed-Size": str(self.size // 1024 + 1),
            **self.fields,
            "Description": f"test package {self.name}",
        }

    @property
    def sha256(self) -> str:
        """In hex."""
        return hexdigest("SHA256", self.build())

    def build(self) -> bytes:
        """The bytes of the file: an ar archive of debian-binary, control.tar and data.tar (deb(5))."""
        control = tar({"control": stanza(self.control)})
        payload = _incompressible(self.size, self.name, self.version, self.architecture, self.salt)
        tree = {f"usr/share/{self.name}/payload": payload}
        if self.changelog:
            tree[f"usr/share/doc/{self.name}/changelog.Debian.gz"] = self.changelog
        if self.copyright:
            tree[f"usr/share/doc/{self.name}/copyright"] = self.copyright
        data = tar(tree)
        return ar({"debian-binary": b"2.0\n", "control.tar": control, "data.tar": data})


@dataclass(frozen=True, slots=True)
class Source:
    """One source package: a `.dsc` and a native tarball."""

    name: str
    version: str
    component: str = "main"
    size: int = DEFAULT_SIZE
    extra: bool = False
    """Kept only because a binary was built using it."""

    @property
    def directory(self) -> str:
        return pool_folder(self.component, self.name)

    def build(self) -> dict[str, bytes]:
        """File name to bytes: the tarball first, then the `.dsc` that lists it."""
        stem = f"{self.name}_{_without_epoch(self.version)}"
        tree = {
            f"{self.name}-{self.version}/debian/source/format": b"3.0 (native)\n",
            f"{self.name}-{self.version}/payload": _incompressible(self.size, self.name, self.version),
        }
        tarball = lzma.compress(tar(tree), preset=0)
        files = {f"{stem}.tar.xz": tarball}
        fields = {"Format": "3.0 (native)", "Source": self.name, **self.control}
        dsc = stanza({**fields, **checksum_fields(files, ("MD5Sum", "SHA1", "SHA256"))})
        return {**files, f"{stem}.dsc": dsc}

    @property
    def sha256(self) -> dict[str, str]:
        """File name to hash, in hex; sorted by name."""
        return {name: hexdigest("SHA256", data) for name, data in sorted(self.build().items())}

    @property
    def control(self) -> dict[str, str]:
        """The fields that the `.dsc` and the Sources index have in common."""
        return {
            "Binary": self.name,
            "Architecture": "any",
            "Version": self.version,
            "Maintainer": "Test Archive <archive@example.org>",
            "Standards-Version": "4.6.2",
        }


def stanza(fields: Mapping[str, str]) -> bytes:
    """One deb822 paragraph, without the blank line that ends it."""
    # a blank at the end of a line does not survive clear-signing (RFC 9580, 7.2)
    lines = (f"{name}:{value}\n" if value.startswith("\n") else f"{name}: {value}\n" for name, value in fields.items())
    return "".join(lines).encode()


def checksum_fields(files: Mapping[str, bytes], hashes: tuple[str, ...]) -> dict[str, str]:
    """Files and Checksums-* of a `.dsc` or of a Sources stanza, for the hash types named as in a Release."""
    names = {"MD5Sum": "Files", "SHA1": "Checksums-Sha1", "SHA256": "Checksums-Sha256", "SHA512": "Checksums-Sha512"}
    return {
        names[kind]: "".join(f"\n {hexdigest(kind, data)} {len(data)} {name}" for name, data in files.items())
        for kind in hashes
    }


def hexdigest(kind: str, data: bytes) -> str:
    """`kind` is the name of a hash in a Release: MD5Sum, SHA1, SHA256, SHA512."""
    return hashlib.new(kind.lower().removesuffix("sum"), data).hexdigest()


def pool_folder(component: str, source: str) -> str:
    prefix = source[:4] if source.startswith("lib") else source[:1]
    return f"pool/{component}/{prefix}/{source}"


def _without_epoch(version: str) -> str:
    return version.partition(":")[2] or version


def _incompressible(size: int, *seed: str) -> bytes:
    return random.Random(" ".join(seed)).randbytes(size)


def tar(files: Mapping[str, bytes]) -> bytes:
    """Files and the folders above them; everything belongs to root and is as old as time itself."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        folders = {"/".join(path.split("/")[:depth]) for path in files for depth in range(1, path.count("/") + 1)}
        for folder in sorted(folders):
            entry = tarfile.TarInfo(f"./{folder}")
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for path, data in files.items():
            entry = tarfile.TarInfo(f"./{path}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def ar(members: Mapping[str, bytes]) -> bytes:
    """The common ar format; a member of odd size is followed by a newline."""
    archive = b"!<arch>\n"
    for name, data in members.items():
        archive += (
            f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
        )
    return archive
