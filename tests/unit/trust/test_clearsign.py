# SPDX-License-Identifier: MIT
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aptfreeze.trust import clearsign
from aptfreeze.trust.clearsign import FramingError, NotClearsignedError
from support.gpg import armored

HEAD = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n"
TAIL = armored(b"signature")
GOOD = HEAD + b"Suite: stable\nCodename: anna\n" + TAIL


def test_three_parts() -> None:
    framed = clearsign.parse(GOOD)
    assert framed.payload == b"Suite: stable\nCodename: anna\n"
    assert framed.signed_text == b"Suite: stable\r\nCodename: anna"
    assert framed.signature == b"signature"


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40).filter(lambda line: not set(line) & set(b"\n\r\0")), min_size=1, max_size=20))
def test_any_text_comes_back_without_its_trailing_blanks(lines: list[bytes]) -> None:
    escaped = b"".join((b"- " if line.startswith(b"-") else b"") + line + b"\n" for line in lines)
    framed = clearsign.parse(HEAD + escaped + TAIL)
    assert framed.payload == b"".join(line.rstrip(b" \t") + b"\n" for line in lines)
    assert framed.signed_text == framed.payload[:-1].replace(b"\n", b"\r\n")


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40).filter(lambda line: not set(line) & set(b"\n\r\0")), min_size=1, max_size=20))
def test_what_is_written_is_read(lines: list[bytes]) -> None:
    payload, signed = clearsign.canonical(b"\n".join(lines))
    read = clearsign.parse(clearsign.framed(payload, "SHA512", TAIL))
    assert (read.payload, read.signed_text, read.signature) == (payload, signed, b"signature")
    assert clearsign.canonical(payload) == (payload, signed)


@settings(deadline=None)
@given(st.data())
def test_damaged_file_is_a_framing_error_or_has_no_line_from_outside(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(GOOD)))
    end = data.draw(st.integers(start, len(GOOD)))
    piece = data.draw(st.sampled_from([b"", b"\n", b"-", b"\0", HEAD, TAIL, b"Suite: evil\n", GOOD]))
    changed = GOOD[:start] + piece + GOOD[end:]
    try:
        framed = clearsign.parse(changed)
    except FramingError:
        return
    assert changed.startswith(b"-----BEGIN PGP SIGNED MESSAGE-----")
    assert changed.rstrip().endswith(b"-----END PGP SIGNATURE-----")
    assert not any(line.startswith(b"-----") for line in framed.payload.split(b"\n"))


def test_dash_escapes() -> None:
    framed = clearsign.parse(HEAD + b"- -----BEGIN PGP SIGNATURE-----\n- \n- - x\n" + TAIL)
    assert framed.payload == b"-----BEGIN PGP SIGNATURE-----\n\n- x\n"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"Suite: evil\n" + GOOD, "text before"),
        (b"\n" + GOOD, "text before"),
        (GOOD + b"Suite: evil\n", r"text after .* \(line 10\)"),
        (GOOD + GOOD, "text after"),
        (GOOD + TAIL, "text after"),
        (HEAD + GOOD, "line 4 begins with a dash"),
        (HEAD + b"Suite: stable\n-x\n" + TAIL, "line 5 begins with a dash"),
        (HEAD + b"Suite: stable\n", "cut off: BEGIN PGP SIGNATURE"),
        (GOOD.removesuffix(b"-----END PGP SIGNATURE-----\n"), "cut off: END PGP SIGNATURE"),
        (HEAD.replace(b"Hash: SHA512", b"NotDashEscaped: x") + TAIL, "only lines Hash:"),
        (HEAD.replace(b"\n\n", b"\nSuite: evil\n\n") + TAIL, "only lines Hash:"),
        (HEAD.replace(b"Hash: SHA512\n", b"Hash: SHA512\n" * 21) + TAIL, "only lines Hash:"),
        (HEAD + b"Suite: a\rSuite: b\n" + TAIL, "carriage return"),
        (HEAD + b"Suite: a\0\n" + TAIL, "NUL"),
        (HEAD + b"x\n-----BEGIN PGP SIGNATURE-----\n\n?\n-----END PGP SIGNATURE-----\n", "line 5 cannot be read"),
        (b"-----BEGIN PGP SIGNED MESSAGE-----", "cut off"),
    ],
)
def test_refused(data: bytes, why: str) -> None:
    with pytest.raises(FramingError, match=why):
        clearsign.parse(data)


@pytest.mark.parametrize("data", [b"", b"Suite: stable\n", b"<html>login</html>", TAIL, b"\x89\x02\x33"])
def test_no_signed_block_at_all(data: bytes) -> None:
    with pytest.raises(NotClearsignedError):
        clearsign.parse(data)


def test_empty_lines_at_the_end_of_the_file_and_blanks_behind_the_marks_are_harmless() -> None:
    marks = GOOD.replace(b"-----\n", b"----- \t\n")
    assert clearsign.parse(marks + b"\n \n").payload == clearsign.parse(GOOD).payload
