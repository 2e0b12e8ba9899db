# SPDX-License-Identifier: MIT
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace

import pytest

from aptfreeze.trust.keyring import Keyring, signers
from aptfreeze.trust.openpgp import Answer
from aptfreeze.trust.packets import packets, signature
from aptfreeze.trust.sequoia import Sequoia
from support.gpg import Gpg, at, gpg_home


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    with gpg_home() as home:
        yield home


@pytest.fixture
def sequoia() -> Sequoia:
    found = Sequoia.find()
    assert found is not None
    return found


def answers(sequoia: Sequoia, gpg: Gpg, key: str, *options: str) -> tuple[Answer, Answer]:
    """For the signed data and for other data."""
    [packet] = packets(gpg.detach(b"data", key, options=options))
    [signer] = signers([Keyring.parse("test.gpg", gpg.export(key))], key[-16:])
    one = signature(packet)
    return sequoia.check(b"data", one, signer), sequoia.check(b"date", one, signer)


@pytest.mark.parametrize("kind", ["ed25519", "rsa2048", "nistp256", "nistp384", "nistp521"])
def test_usual_keys(sequoia: Sequoia, gpg: Gpg, kind: str) -> None:
    assert answers(sequoia, gpg, gpg.new_key(kind, kind=kind)) == (Answer.MATCHES, Answer.DIFFERS)


def test_self_signature_with_sha1_leaves_it_open(sequoia: Sequoia, gpg: Gpg) -> None:
    key = gpg.new_key("sha1", "--cert-digest-algo=SHA1", kind="rsa2048")
    assert answers(sequoia, gpg, key) == (Answer.CANNOT_TELL, Answer.CANNOT_TELL)


def test_self_signature_newer_than_the_signature_leaves_a_refusal_open(sequoia: Sequoia, gpg: Gpg) -> None:
    key = gpg.new_key("prolonged", at("20200101"), lives="1y")
    gpg.run(at("20201201"), "--quick-set-expire", key, "0")
    answer, answer_to_other_data = answers(sequoia, gpg, key, at("20200601"))
    assert answer != Answer.DIFFERS
    assert answer_to_other_data == Answer.CANNOT_TELL


@pytest.mark.parametrize(("payload", "key", "answer"), [(0, 0, "matches"), (1, 0, "differs"), (0, 1, "differs")])
def test_only_the_same_bytes_and_the_same_key_count(gpg: Gpg, payload: int, key: int, answer: str) -> None:
    """A library that finds a valid signature, of something or somebody else."""
    signing_key = gpg.new_key("anna")
    found = SimpleNamespace(signing_key=(signing_key.lower(), "b" * 40)[key])
    library = ModuleType("pysequoia")
    library.Cert = SimpleNamespace(split_bytes=list)  # type: ignore[attr-defined]  # a module of our own
    result = SimpleNamespace(bytes=(b"data", b"date")[payload], valid_sigs=[found])
    library.verify = lambda **_: result  # type: ignore[attr-defined]  # as above
    assert answers(Sequoia(library), gpg, signing_key)[0] == answer


def test_pysequoia_that_is_missing_or_cannot_what_we_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysequoia", None)
    assert Sequoia.find() is None
    old = ModuleType("pysequoia")
    old.Cert = object()  # type: ignore[attr-defined]  # a module of our own
    monkeypatch.setitem(sys.modules, "pysequoia", old)
    assert Sequoia.find() is None
