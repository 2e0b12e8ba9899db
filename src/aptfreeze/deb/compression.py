# SPDX-License-Identifier: MIT
"""Decompression of index files and of what is inside a .deb, in pieces and bounded.

Rule 1: what is yielded is never more than the limit, and no piece is larger than 256 KiB, however small the input.
Rule 2: a file may consist of several streams (parallel compressors write such), with zero padding after each.
Rule 3: it ends where a stream ends: anything else is damage, and damage is a ParseError.
Rule 4: zstd, which only .debs of other distributions use, is optional: Python has it from 3.14 on, else backports.zstd.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any, Protocol

from aptfreeze.deb.deb822 import ParseError

SUFFIXES = (".xz", ".gz", ".bz2")
"""Endings of the compressions in which we ask for an index, the one with the smallest files first."""

_PIECE = 256 << 10
_XZ_MEMORY = 256 << 20
"""`xz -9` needs 65 MiB to decompress; a crafted header could ask for gigabytes."""


class _Stream(Protocol):
    """One compressed stream; lzma and bz2 have this interface."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """zlib's decompressor with the interface of the other two."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


class _Zstd:
    """zstd's decompressor; what it says of damage is a ParseError. Its own limit of memory is 128 MiB."""

    def __init__(self) -> None:
        self._module = _zstd_module()
        self._inner = self._module.ZstdDecompressor()

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def needs_input(self) -> bool:
        return bool(self._inner.needs_input)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._inner.unused_data)

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        try:
            return bytes(self._inner.decompress(data, max_length))
        except self._module.ZstdError as error:
            raise ParseError(f"damaged .zst data: {error}") from error


def _zstd_module() -> Any:
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(name)
        except ImportError:
            continue
    raise ParseError("it is compressed with zstd, which this Python cannot read: pip install backports.zstd")


_OPEN: dict[str, Callable[[], _Stream]] = {
    ".xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY),
    ".gz": _Gzip,
    ".bz2": bz2.BZ2Decompressor,
    ".zst": _Zstd,
}


def decompress(data: Iterable[bytes], suffix: str, limit: int) -> Iterator[bytes]:
    """The content of a file with this ending (one of SUFFIXES, `.zst`, or empty: as it is), at most limit bytes.

    Raises ParseError if the data is damaged, cut off or longer than limit; ValueError for another ending.
    """
    if suffix and suffix not in _OPEN:
        raise ValueError(f"cannot read {suffix!r}, only {', '.join(_OPEN)}")
    return _bounded(_pieces(data, suffix) if suffix else data, limit)


def _bounded(pieces: Iterable[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise ParseError(f"more than {limit} bytes when decompressed")
        yield piece


def _pieces(data: Iterable[bytes], suffix: str) -> Iterator[bytes]:
    open_stream = _OPEN[suffix]
    stream: _Stream | None = None
    is_empty = True
    try:
        for chunk in data:
            while chunk:
                if stream is None:
                    chunk = chunk if is_empty else chunk.lstrip(b"\0")
                    if not chunk:
                        break
                    stream = open_stream()
                    is_empty = False
                yield from _drain(stream, chunk)
                chunk, stream = (stream.unused_data, None) if stream.eof else (b"", stream)
    except (lzma.LZMAError, zlib.error, OSError) as error:
        raise ParseError(f"damaged {suffix} data: {error}") from error
    if is_empty or stream is not None:
        raise ParseError(f"{suffix} data is cut off")


def _drain(stream: _Stream, chunk: bytes) -> Iterator[bytes]:
    """All that the stream can give after one more chunk of input."""
    while True:
        piece = stream.decompress(chunk, _PIECE)
        if piece:
            yield piece
        if stream.eof or stream.needs_input:
            return
        chunk = b""
