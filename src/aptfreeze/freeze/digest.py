# SPDX-License-Identifier: MIT
"""The name of bytes: a `Digest`; and `Wanted`, all that the chain says of one file.

Rule 1: inside the program a hash is a `Digest`, parsed once at the border, never a bare string.
Rule 2: objects are named by their sha256. A `Digest` of another algorithm is what an index said of a file whose
sha256 is not known before it was fetched once; the archive keeps an alias from it to the object.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from aptfreeze.values import immutable


class Algorithm(StrEnum):
    """Hash algorithms of Debian's repository format, by hashlib's names, strongest last."""

    MD5 = "md5"
    SHA1 = "sha1"
    SHA256 = "sha256"
    SHA512 = "sha512"

    @property
    def hex_length(self) -> int:
        return {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}[self.value]

    @property
    def is_strong(self) -> bool:
        """Whether it counts as verification; MD5 and SHA1 alone count as unsigned."""
        return self in (Algorithm.SHA256, Algorithm.SHA512)


_HEX = re.compile(r"[0-9a-f]+")
_LENGTHS = {each: each.hex_length for each in Algorithm}


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """`algorithm:hex` of some bytes; as text `sha256:9f86d0...`."""

    algorithm: Algorithm
    hex: str

    def __post_init__(self) -> None:
        if len(self.hex) != _LENGTHS[self.algorithm] or not _HEX.fullmatch(self.hex):
            raise ValueError(f"not a {self.algorithm} in lower-case hex: {self.hex[:140]!r}")

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """`sha256:9f86d0...` to a digest; ValueError if it is none."""
        name, colon, value = text.partition(":")
        if not colon or name not in set(Algorithm):
            raise ValueError(f"not a digest (algorithm:hex): {text[:140]!r}")
        return cls(Algorithm(name), value)

    @classmethod
    def of(cls, data: bytes) -> Self:
        """The sha256 of data."""
        return cls(Algorithm.SHA256, hashlib.sha256(data).hexdigest())


# sha256 first: it names the object, so that no alias is needed; MD5 last.
_PREFERENCE = (Algorithm.SHA256, Algorithm.SHA512, Algorithm.SHA1, Algorithm.MD5)


@immutable
class Wanted:
    """What a signed index says of one file: how to name it and what must hold before it is served."""

    digest: Digest
    size: int | None = None
    """In bytes; None where the chain does not tell it."""
    also: tuple[Digest, ...] = ()
    """Further strong digests that must match too (every hash >= SHA256 that the index lists)."""

    @classmethod
    def from_hashes(cls, hashes: Mapping[str, str], size: int | None) -> Self:
        """From an index's hashes by hashlib name (`{"sha256": hex, "md5": hex}`); ValueError if there is none."""
        known = [algorithm for algorithm in _PREFERENCE if algorithm in hashes]
        if not known:
            raise ValueError("no known hash")
        name, *others = known
        also = tuple(Digest(each, hashes[each]) for each in others if each.is_strong)
        return cls(Digest(name, hashes[name]), size, also)

    @property
    def algorithms(self) -> tuple[Algorithm, ...]:
        """Every algorithm that has to be computed over the bytes to check and to name them."""
        named = {Algorithm.SHA256, self.digest.algorithm, *(d.algorithm for d in self.also)}
        return tuple(sorted(named))
