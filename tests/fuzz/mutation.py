# SPDX-License-Identifier: MIT
"""Valid inputs made slightly wrong: what a fuzzer without coverage feedback lives on."""

import random
from collections.abc import Callable, Sequence

# What parsers stumble over: ends of lines, separators, numbers at a border, bytes that are no text.
_SEPARATORS = (
    b"\n",
    b"\r\n",
    b"\n\n",
    b"\r",
    b" ",
    b"\t",
    b":",
    b"/",
    b"../",
    b"./",
    b"#",
    b",",
    b"-",
    b"=",
    b'"',
    b"[",
)
_ODDITIES = (b"\0", b"\xff", b"\xc3\x28", b"\xe2\x80\xa8", b"\\", b"%2e", b"0", b"-1", b"4294967296", b"9" * 20)
_TOKENS = _SEPARATORS + _ODDITIES
_LARGEST = 64 << 10


def mutate(data: bytes, others: Sequence[bytes], source: random.Random) -> bytes:
    """One to four small changes; others are inputs to splice pieces from. At most 64 KiB come back."""
    for _ in range(source.randint(1, 4)):
        data = source.choice(_CHANGES)(data, others, source)[:_LARGEST]
    return data


def _span(data: bytes, source: random.Random) -> tuple[int, int]:
    """A piece of up to 64 bytes, now and then of any size."""
    start = source.randint(0, len(data))
    size = 64 if source.randint(0, 3) else len(data)
    return start, source.randint(start, min(len(data), start + size))


def _flip(data: bytes, others: Sequence[bytes], source: random.Random) -> bytes:
    if not data:
        return data
    at = source.randrange(len(data))
    return data[:at] + bytes([data[at] ^ source.randint(1, 255)]) + data[at + 1 :]


def _cut(data: bytes, others: Sequence[bytes], source: random.Random) -> bytes:
    start, end = _span(data, source)
    return data[:start] + data[end:]


def _repeat(data: bytes, others: Sequence[bytes], source: random.Random) -> bytes:
    start, end = _span(data, source)
    return data[:start] + data[start:end] * source.randint(2, 20) + data[end:]


def _insert(data: bytes, others: Sequence[bytes], source: random.Random) -> bytes:
    at = source.randint(0, len(data))
    return data[:at] + source.choice(_TOKENS) + data[at:]


def _replace(data: bytes, others: Sequence[bytes], source: random.Random) -> bytes:
    start, end = _span(data, source)
    return data[:start] + source.choice(_TOKENS) + data[end:]


def _splice(data: bytes, others: Sequence[bytes], source: random.Random) -> bytes:
    other = source.choice(others)
    start, end = _span(other, source)
    at = source.randint(0, len(data))
    return data[:at] + other[start:end] + data[at:]


_CHANGES: tuple[Callable[[bytes, Sequence[bytes], random.Random], bytes], ...] = (
    _flip,
    _cut,
    _repeat,
    _insert,
    _replace,
    _splice,
)
