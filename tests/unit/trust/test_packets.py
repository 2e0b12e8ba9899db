# SPDX-License-Identifier: MIT
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aptfreeze.trust.packets import Packet, PacketError, Tag, packets, public_key, signature

CREATED = datetime(2020, 1, 1, tzinfo=UTC)
CREATED_OCTETS = int(CREATED.timestamp()).to_bytes(4, "big")


def area(*subpackets: tuple[int, bytes]) -> bytes:
    content = b"".join(bytes([len(data) + 1, kind]) + data for kind, data in subpackets)
    return len(content).to_bytes(2, "big") + content


def signature_packet(hashed: bytes, unhashed: bytes = area()) -> Packet:
    return Packet(Tag.SIGNATURE, bytes([4, 1, 22, 10]) + hashed + unhashed + b"\xab\xcd" + b"numbers")


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 63), st.binary(max_size=300)), max_size=5))
def test_packets_come_back(contents: list[tuple[int, bytes]]) -> None:
    written = [Packet(tag, body) for tag, body in contents]
    assert list(packets(b"".join(map(bytes, written)))) == written


@pytest.mark.parametrize(
    "data",
    [b"\x88\x03abc", b"\x89\x00\x03abc", b"\x8a\x00\x00\x00\x03abc", b"\xc2\x03abc", b"\xc2\xff\x00\x00\x00\x03abc"],
)
def test_every_form_of_a_length(data: bytes) -> None:
    assert list(packets(data)) == [Packet(Tag.SIGNATURE, b"abc")]


def test_two_octet_length() -> None:
    assert list(packets(b"\xc2\xc0\x01" + b"x" * 193)) == [Packet(Tag.SIGNATURE, b"x" * 193)]


@pytest.mark.parametrize(
    "data", [b"abc", b"\xc2", b"\xc2\x05abc", b"\x88\x05abc", b"\x8bx", b"\xc2\xe1xx", b"\xc2\xff\x00"]
)
def test_no_packets(data: bytes) -> None:
    with pytest.raises(PacketError):
        list(packets(data))


def test_signature_tells_its_times_and_issuer() -> None:
    day = (86400).to_bytes(4, "big")
    fingerprint = bytes(range(20))
    read = signature(signature_packet(area((2, CREATED_OCTETS), (3, day), (9, day), (33, b"\x04" + fingerprint))))
    assert (read.version, read.kind, read.key_algorithm, read.hash_algorithm) == (4, 1, 22, 10)
    assert read.created == CREATED
    assert read.expires == datetime(2020, 1, 2, tzinfo=UTC)
    assert read.key_lifetime_s == 86400
    assert read.issuer == fingerprint[-8:].hex().upper()


def test_times_count_only_where_they_are_signed() -> None:
    read = signature(signature_packet(area(), area((2, CREATED_OCTETS), (16, b"12345678"))))
    assert read.created is None
    assert read.issuer == b"12345678".hex().upper()


@pytest.mark.parametrize("size", [190, 191, 8382, 8383, 16318, 16319, 20000])
def test_a_subpacket_of_any_length_hides_nothing(size: int) -> None:
    # RFC 9580 5.2.3.7: unlike that of a packet, a length of 224 to 254 in the first octet is one of two octets.
    length = size + 1
    two = bytes([(length - 192 >> 8) + 192, (length - 192) & 0xFF]) if 192 <= length < 16320 else b""
    octets = bytes([length]) if length < 192 else two or b"\xff" + length.to_bytes(4, "big")
    content = octets + b"\x14" + b"x" * size + area((16, b"12345678"))[2:]
    read = signature(signature_packet(area((2, CREATED_OCTETS)), len(content).to_bytes(2, "big") + content))
    assert (read.created, read.issuer) == (CREATED, b"12345678".hex().upper())


def test_hashes_of_embedded_signatures_count_too() -> None:
    read = signature(signature_packet(area((32, bytes([4, 0x19, 22, 2, 0, 0])))))
    assert read.hash_algorithms == {10, 2}


def test_other_versions_keep_only_their_number() -> None:
    assert signature(Packet(Tag.SIGNATURE, b"\x06anything")).version == 6
    assert public_key(Packet(Tag.PUBLIC_KEY, b"\x06anything")) is None


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_damaged_signature_and_key_packets(body: bytes) -> None:
    for read in (signature, public_key):
        try:
            read(Packet(Tag.SIGNATURE, b"\x04" + body))
        except PacketError:
            continue


def test_key_tells_fingerprint_and_strength() -> None:
    """The example of RFC 9580 A.1, an Ed25519 key of version 4, with its fingerprint."""
    body = bytes.fromhex(
        "0453f35f0b16092b06010401da470f010107403f098994bdd916ed4053197934e4a87c80733a1280d62f8010992e43ee3b2406"
    )
    key = public_key(Packet(Tag.PUBLIC_KEY, body))
    assert key is not None
    assert key.fingerprint == "C959BDBAFA32A2F89A153B678CFDE12197965A9A"
    assert key.key_id == "8CFDE12197965A9A"
    assert (key.algorithm, key.curve.hex()) == (22, "2b06010401da470f01")
    numbers = (4096).to_bytes(2, "big") + b"\xff" * 512
    rsa = public_key(Packet(Tag.PUBLIC_KEY, b"\x04" + CREATED_OCTETS + b"\x01" + numbers))
    assert rsa is not None
    assert (rsa.created, rsa.bits) == (CREATED, 4096)
