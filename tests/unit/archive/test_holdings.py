# SPDX-License-Identifier: MIT
"""One look at all that an archive holds."""

from pathlib import Path

import pytest

from aptfreeze.archive.condemned import Condemned
from aptfreeze.archive.holdings import Holdings, digest_of, look, quarantined_name
from aptfreeze.archive.objects import Objects
from aptfreeze.freeze.digest import Algorithm, Digest

ONE, TWO = Digest.of(b"one"), Digest.of(b"two!")
SHA512 = Digest(Algorithm.SHA512, "5" * 128)


def raw(digest: Digest) -> bytes:
    return bytes.fromhex(digest.hex)


@pytest.fixture
def holdings(tmp_path: Path) -> Holdings:
    objects = Objects(tmp_path)
    objects.put(b"one")
    objects.put(b"two!")
    Condemned(objects.layout).condemn(raw(TWO), 1000)
    objects.layout.write(objects.layout.alias(SHA512), TWO.hex.encode() + b"\n")
    objects.layout.write(objects.layout.alias(Digest(Algorithm.SHA512, "6" * 128)), b"torn")
    (tmp_path / "objects/sha256/README").mkdir()
    (tmp_path / "objects/sha256/README/not an object").touch()
    objects.layout.quarantined(ONE).touch()
    (tmp_path / "quarantine/notes").touch()
    return look(objects.layout)


def test_objects_count_with_those_that_are_condemned(holdings: Holdings) -> None:
    assert holdings.sizes == {raw(ONE): 3, raw(TWO): 4}
    assert holdings.size_of([raw(ONE), raw(TWO)]) == 7


def test_an_object_is_found_by_any_of_its_digests(holdings: Holdings) -> None:
    assert holdings.named(raw(ONE)) == raw(ONE)
    assert holdings.named(raw(SHA512)) == raw(TWO)
    assert holdings.named(bytes(64)) is None
    assert holdings.named(bytes(32)) is None


def test_what_is_in_quarantine_is_known_by_its_name(holdings: Holdings) -> None:
    assert holdings.quarantined == {raw(ONE)}
    assert quarantined_name(Path("notes")) == b""


def test_the_length_of_a_digest_tells_its_algorithm() -> None:
    assert digest_of(raw(ONE)) == ONE
    assert digest_of(raw(SHA512)) == SHA512
    assert digest_of(bytes(16)).algorithm is Algorithm.MD5
    with pytest.raises(ValueError, match="not a sha256"):
        digest_of(bytes(7))
