# SPDX-License-Identifier: MIT
"""Paths of apt repositories: one normal form for look-ups, and what a path's form says of its role.

Rule 1: look-ups use the normal form (`Location.text`), upstream gets what the client sent (`Location.raw_path`):
apt writes `%2b` and `%7e`, wget `+` and `~`, and some servers tell them apart.
Rule 2: a path from the network never becomes a file name; it only chooses among names that a signed index lists.
Rule 3: nothing here knows what is pinned; that is `freeze.resolve`.
"""

import re
from typing import Self
from urllib.parse import quote, unquote_to_bytes

from aptfreeze.values import immutable

RELEASE_NAMES = frozenset({"InRelease", "Release", "Release.gpg"})
HASH_FOLDERS = frozenset({"MD5Sum", "SHA1", "SHA256", "SHA512"})
"""Names of folders below `by-hash/` (Debian RepositoryFormat, "indices acquisition via hashsums")."""

_TARGET = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?", re.I)
# RFC 1035 2.3.4: labels of 1 to 63 characters, at most 255 in all; a dot may end the name.
_NAME = r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?"
_AUTHORITY = re.compile(rf"(?P<host>{_NAME}|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?", re.I)
_NAME_LIMIT = 255
_DEFAULT_PORT = {"http": "80", "https": "443"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BINARY = re.compile(r"_(?P<architecture>[^_/]+)\.(?P<suffix>u?deb|ddeb)$")
_SAFE_IN_PATH = "/~+:@!$&'()*,;=-._"


class PathError(ValueError):
    """The target is no URL that a repository can have; the message says why."""


@immutable
class Location:
    """A request's target, split and normalised."""

    host: str
    """Lower case, without a final dot, with the port where it is not the scheme's own."""
    path: str
    """Percent-decoded, without empty and `.` segments, begins with `/`; never has `..`."""
    raw_path: str
    """The path as it was sent, for upstream."""
    query: str = ""
    """With its `?`; a repository's files have none."""
    scheme: str = "http"

    @property
    def text(self) -> str:
        """`host/path`, the form in which repositories and single files are named in the lock file."""
        return self.host + self.path

    @property
    def raw_url(self) -> str:
        return f"{self.scheme}://{self.raw_text}"

    @property
    def raw_text(self) -> str:
        """Without the scheme, for upstream."""
        return f"{self.host}{self.raw_path or '/'}{self.query}"

    @classmethod
    def parse(cls, target: bytes) -> Self:
        """From the absolute form of a request's target (RFC 9112 3.2.2); PathError with the reason."""
        match = _TARGET.fullmatch(_ascii(target))
        if match is None:
            raise PathError("the target is no http:// or https:// URL")
        scheme = match["scheme"].lower()
        return cls(
            host=_host(match["authority"], scheme),
            path=normal_path(match["path"]),
            raw_path=match["path"],
            query=match["query"] or "",
            scheme=scheme,
        )

    def raw_below(self, repository: str) -> str:
        """The part of the path below `repository` for upstream: as it was sent where that can be told."""
        prefix = repository.removeprefix(self.host) + "/"
        if self.raw_path.startswith(prefix):
            return self.raw_path[len(prefix) :]
        return quoted(self.text[len(repository) + 1 :])


def _ascii(target: bytes) -> str:
    try:
        return target.decode("ascii")
    except UnicodeDecodeError as error:
        raise PathError("the target has bytes that a URL must percent-encode") from error


def _host(authority: str, scheme: str) -> str:
    match = _AUTHORITY.fullmatch(authority)
    if match is None or int(match["port"] or 0) > 65535 or len(match["host"]) > _NAME_LIMIT:
        if "@" in authority:  # RFC 9110 4.2.4; it may hold a password, which no message has
            raise PathError("a user or a password stands before its host")
        raise PathError(f"{authority[:100]!r} is no host and port")
    host = match["host"].lower().removesuffix(".")  # RFC 3986 3.2.2: another way to write the same host
    port = match["port"] and str(int(match["port"]))
    return host if not port or port == _DEFAULT_PORT[scheme] else f"{host}:{port}"


def normal_path(raw: str) -> str:
    """Percent-decoded, empty and `.` segments removed; PathError for `..`, control characters and no UTF-8."""
    try:
        path = unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError as error:
        raise PathError("the path is not UTF-8") from error
    if _CONTROL.search(path):
        raise PathError("the path has control characters")
    segments = [segment for segment in path.split("/") if segment not in ("", ".")]
    if ".." in segments:
        raise PathError("the path has '..'")
    return "/" + "/".join(segments)


def quoted(path: str) -> str:
    """A normalised path as it goes into a URL; `+` and `~` stay themselves (RFC 3986 allows both)."""
    return quote(path, safe=_SAFE_IN_PATH)


def dists_splits(text: str) -> list[tuple[str, str]]:
    """Each way to read `text` as (repository, path below its `dists/`), the innermost `dists/` first."""
    splits = []
    end = len(text)
    while (at := text.rfind("/dists/", 0, end)) > 0:
        splits.append((text[:at], text[at + len("/dists/") :]))
        end = at + len("/dists")
    return splits


def by_hash(below_suite: str) -> tuple[str, str, str] | None:
    """(folder, `SHA256`, hex) of a path `folder/by-hash/SHA256/<hex>`, else None."""
    folder, found, rest = f"/{below_suite}".rpartition("/by-hash/")
    kind, _, value = rest.partition("/")
    return (folder.removeprefix("/"), kind, value) if found and kind in HASH_FOLDERS else None


@immutable
class PoolName:
    """What a package file's name tells."""

    architecture: str
    """As in the file name; `source` for everything that is no binary package."""
    is_udeb: bool = False


def pool_name(path: str) -> PoolName:
    """The role of a file by its name: `x_1_amd64.deb`, `x_1_all.udeb`, else a source package's file."""
    match = _BINARY.search(path)
    if match is None:
        return PoolName("source")
    return PoolName(match["architecture"], match["suffix"] == "udeb")


def index_architecture(path: str) -> str:
    """`amd64` of `main/binary-amd64/Packages.xz`; empty for what is no Packages of one architecture."""
    folder, _, name = path.rpartition("/")
    architecture = folder.rpartition("/")[2].removeprefix("binary-")
    return architecture if name.startswith("Packages") and "/binary-" in f"/{folder}" else ""


def pool_component(path: str) -> str:
    """`main` of `.../pool/main/b/bash/x.deb`, `updates/main` never: a guess that only orders the search."""
    _, found, below = path.rpartition("/pool/")
    return below.partition("/")[0] if found else ""


def has_pool_form(path: str) -> bool:
    """Whether only an index may answer for it: below `pool/`, or a package or `.dsc` by its name."""
    return "/pool/" in path or path.endswith((".deb", ".udeb", ".ddeb", ".dsc"))
