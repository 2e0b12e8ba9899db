# SPDX-License-Identifier: MIT
"""Decompression: in pieces, of several streams, bounded, and damage never looks like an end."""

import bz2
import gzip
import lzma
import random
import sys
import zlib
from collections.abc import Callable
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aptfreeze.deb.compression import SUFFIXES, decompress
from aptfreeze.deb.deb822 import ParseError

zstd = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
PACK: dict[str, Callable[[bytes], bytes]] = {
    ".xz": lzma.compress,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": zstd.compress,
}
TEXT = b"Package: hello\nFilename: pool/main/h/hello.deb\n\n" * 50
every_suffix = pytest.mark.parametrize("suffix", PACK)


def unpack(data: bytes, suffix: str, limit: int = 1 << 30, step: int = 1 << 16) -> bytes:
    chunks = [data[i : i + step] for i in range(0, len(data), step)]
    return b"".join(decompress(chunks, suffix, limit))


@every_suffix
@pytest.mark.parametrize("step", [1, 7, 1 << 16])
def test_content_comes_back_however_it_arrives(suffix: str, step: int) -> None:
    assert unpack(PACK[suffix](TEXT), suffix, step=step) == TEXT


def test_uncompressed_content_passes_within_the_limit() -> None:
    assert unpack(TEXT, "", limit=len(TEXT)) == TEXT
    with pytest.raises(ParseError, match="more than 9 bytes"):
        unpack(TEXT, "", limit=9)


@every_suffix
@pytest.mark.parametrize("step", [1, 1 << 16])
def test_several_streams_with_padding_are_one_file(suffix: str, step: int) -> None:
    pack = PACK[suffix]
    data = pack(b"one ") + pack(b"") + b"\0" * 4 + pack(b"two") + b"\0" * 8
    assert unpack(data, suffix, step=step) == b"one two"


@every_suffix
def test_an_empty_file_has_a_stream(suffix: str) -> None:
    assert unpack(PACK[suffix](b""), suffix) == b""
    for nothing in (b"", b"\0\0\0\0"):
        with pytest.raises(ParseError):
            unpack(nothing, suffix)


@every_suffix
def test_pieces_are_small_and_the_limit_stops_a_bomb(suffix: str) -> None:
    bomb = PACK[suffix](bytes(20 << 20))
    pieces: list[int] = []
    with pytest.raises(ParseError, match="more than 1000000 bytes"):
        pieces.extend(len(piece) for piece in decompress([bomb], suffix, 1_000_000))
    assert sum(pieces) <= 1_000_000
    assert max(pieces) <= 256 << 10
    assert len(unpack(bomb, suffix, limit=20 << 20)) == 20 << 20


@every_suffix
def test_large_content_that_does_not_compress(suffix: str) -> None:
    content = random.Random(1).randbytes(1 << 20)
    assert unpack(PACK[suffix](content), suffix, step=100_000) == content


@every_suffix
def test_a_cut_is_never_an_end(suffix: str) -> None:
    data = PACK[suffix](TEXT)
    for end in range(len(data)):
        with pytest.raises(ParseError):
            unpack(data[:end], suffix)


@every_suffix
def test_garbage_before_and_behind_is_damage(suffix: str) -> None:
    for data in (b"<html>" + PACK[suffix](TEXT), PACK[suffix](TEXT) + b"<html>\r\n" * 9, b"\0" + PACK[suffix](TEXT)):
        with pytest.raises(ParseError):
            unpack(data, suffix)


def test_a_header_that_asks_for_gigabytes_is_refused() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 20}]
    data = bytearray(lzma.compress(TEXT, filters=filters))
    block = bytes(data[12:20])  # block header: size, flags, filter id, size of properties, dictionary size, padding
    assert block[2:4] == b"\x21\x01"
    block = block[:4] + b"\x26" + block[5:]  # 1 GiB and more
    data[12:24] = block + zlib.crc32(block).to_bytes(4, "little")
    with pytest.raises(ParseError, match=r"[Mm]emory"):
        unpack(bytes(data), ".xz")


def test_another_ending_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match=r"cannot read '\.lzma', only \.xz, \.gz, \.bz2, \.zst"):
        decompress([b""], ".lzma", 1)


def test_a_python_without_zstd_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ParseError, match=r"pip install backports\.zstd"):
        unpack(PACK[".zst"](TEXT), ".zst")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SUFFIXES), st.integers(0, 10_000), st.integers(1, 255))
def test_a_flipped_byte_is_found_or_changes_nothing(suffix: str, position: int, flip: int) -> None:
    data = bytearray(PACK[suffix](TEXT))
    data[position % len(data)] ^= flip
    try:
        content = unpack(bytes(data), suffix)
    except ParseError:
        return
    assert content == TEXT  # a time stamp or an operating system in gzip's header
