# SPDX-License-Identifier: MIT
"""The framing of a clear-signed file (InRelease): RFC 9580 section 7, read strictly. Pure.

Rule 1: the payload is made here, once, for every backend, and the backends verify exactly these bytes. So no byte
that a signature does not cover, and no difference between two parsers, can get into a Release.
Rule 2: the file is one block and nothing else. Text before it or after it is refused, not skipped: readers that
skip it disagree on what they have read.
Rule 3: the payload is what `gpgv --output` writes: dash escapes undone, blanks at the ends of lines gone (they are
not signed), each line ended by a newline, also the last. Carriage returns there are gone too: nobody signed them,
though gpgv keeps them.
Rule 4: what is written (`canonical`, `framed`) is what is read: `parse(framed(...))` gives the same text.
"""

from itertools import takewhile

from aptfreeze.trust.armor import ArmorError, dearmored
from aptfreeze.values import immutable

_BEGIN_MESSAGE = b"-----BEGIN PGP SIGNED MESSAGE-----"
_BEGIN_SIGNATURE = b"-----BEGIN PGP SIGNATURE-----"
_END_SIGNATURE = b"-----END PGP SIGNATURE-----"
_BLANKS = b" \t\r"
_MAX_HEADERS = 20


class FramingError(ValueError):
    """The file is not one clear-signed block; the message says where it is not."""


class NotClearsignedError(FramingError):
    """The file has no clear-signed block at all."""


@immutable
class Clearsigned:
    payload: bytes
    """The Release file, with its final newline."""
    signed_text: bytes
    """What the signatures were made over: lines ended by CRLF, the last one without (RFC 9580 7.2)."""
    signature: bytes
    """Binary OpenPGP packets."""


def parse(data: bytes) -> Clearsigned:
    """Splits a clear-signed file; FramingError with the line, NotClearsignedError if it does not even begin as one."""
    lines = [line.rstrip(_BLANKS) for line in data.split(b"\n")]
    _check_begin(lines)
    text_start = _after_headers(lines)
    text_end = _index(lines, _BEGIN_SIGNATURE, text_start)
    text = [_unescaped(line, number) for number, line in enumerate(lines[text_start:text_end], text_start + 1)]
    end = _index(lines, _END_SIGNATURE, text_end)
    _check_nothing_after(lines, end)
    try:
        signature = dearmored(b"\n".join(lines[text_end : end + 1]), "SIGNATURE")
    except ArmorError as error:
        raise FramingError(f"the signature at line {text_end + 1} cannot be read: {error}") from error
    return Clearsigned(b"".join(line + b"\n" for line in text), b"\r\n".join(text), signature)


def canonical(text: bytes) -> tuple[bytes, bytes]:
    """A text as payload, and what is signed of it: see `Clearsigned`."""
    lines = [line.rstrip(_BLANKS) for line in text.removesuffix(b"\n").split(b"\n")]
    return b"".join(line + b"\n" for line in lines), b"\r\n".join(lines)


def framed(payload: bytes, hash_name: str, armored_signature: bytes) -> bytes:
    """The clear-signed file of a payload that is canonical."""
    escaped = [b"- " + line if line.startswith(b"-") else line for line in payload.removesuffix(b"\n").split(b"\n")]
    head = _BEGIN_MESSAGE + f"\nHash: {hash_name}\n\n".encode()
    return head + b"\n".join(escaped) + b"\n" + armored_signature


def _check_begin(lines: list[bytes]) -> None:
    if lines[0] == _BEGIN_MESSAGE:
        return
    if _BEGIN_MESSAGE in lines:
        raise FramingError("there is text before the line BEGIN PGP SIGNED MESSAGE, which nobody signed")
    raise NotClearsignedError("it has no line BEGIN PGP SIGNED MESSAGE")


def _after_headers(lines: list[bytes]) -> int:
    headers = list(takewhile(bool, lines[1 : _MAX_HEADERS + 2]))
    # RFC 9580 7.1 allows Hash alone: others (NotDashEscaped) change how the text is to be read.
    if len(headers) > _MAX_HEADERS or not all(header.startswith(b"Hash: ") for header in headers):
        raise FramingError("only lines Hash: may stand between BEGIN PGP SIGNED MESSAGE and the empty line")
    return len(headers) + 2


def _index(lines: list[bytes], wanted: bytes, start: int) -> int:
    try:
        return lines.index(wanted, start)
    except ValueError:
        raise FramingError(f"it is cut off: {wanted.strip(b'-').decode()} is missing") from None


def _unescaped(line: bytes, number: int) -> bytes:
    if b"\r" in line or b"\0" in line:
        raise FramingError(f"line {number} has a carriage return or NUL in the middle")
    if not line.startswith(b"-"):
        return line
    # "-" alone is the escape of an empty line whose blank went with the blanks at the end.
    if not line.startswith(b"- ") and line != b"-":
        raise FramingError(f"line {number} begins with a dash that is not escaped, as if another block began")
    return line[2:]


def _check_nothing_after(lines: list[bytes], end: int) -> None:
    for number, line in enumerate(lines[end + 1 :], end + 2):
        if line:
            raise FramingError(f"there is text after the line END PGP SIGNATURE (line {number}), which nobody signed")
