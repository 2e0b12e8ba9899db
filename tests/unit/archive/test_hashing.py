# SPDX-License-Identifier: MIT
import hashlib

import pytest

from aptfreeze.archive.hashing import Fingerprint
from aptfreeze.freeze.digest import Algorithm, Digest, Wanted

DATA = b"some package"


def fingerprint(wanted: Wanted) -> Fingerprint:
    running = Fingerprint(wanted.algorithms)
    running.update(DATA[:5])
    running.update(memoryview(DATA)[5:])
    return running


def digest(algorithm: Algorithm, data: bytes = DATA) -> Digest:
    return Digest(algorithm, hashlib.new(algorithm, data).hexdigest())


def test_right_bytes_have_no_objection() -> None:
    wanted = Wanted(digest(Algorithm.SHA1), len(DATA), (digest(Algorithm.SHA512),))
    assert fingerprint(wanted).objection(wanted) is None
    assert fingerprint(wanted).sha256 == Digest.of(DATA)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (Wanted(Digest.of(b"other")), "instead of sha256:"),
        (Wanted(Digest.of(DATA), 11), "12 bytes instead of 11"),
        (Wanted(Digest.of(DATA), None, (digest(Algorithm.SHA512, b"other"),)), "instead of sha512:"),
    ],
)
def test_each_thing_that_the_index_says_is_checked(wanted: Wanted, says: str) -> None:
    objection = fingerprint(wanted).objection(wanted)
    assert objection is not None
    assert says in objection
