# SPDX-License-Identifier: MIT
"""Signatures of a generation that came from elsewhere."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.environment.pinning import Judges
from aptfreeze.environment.trustcheck import Verdict
from aptfreeze.environment.vouching import Vouched, vouched
from aptfreeze.errors import IntegrityError, RefusedError
from aptfreeze.freeze.generation import Generation
from aptfreeze.settings import TrustSettings
from aptfreeze.trust.backends import backend
from aptfreeze.trust.keyring import Keyring
from support.keeping import NOW, fill, key_of, pin_of
from support.repository import Repository
from support.signing import SigningKey


@pytest.fixture
def objects(repository: Repository, tmp_path: Path) -> Objects:
    fill(tmp_path / "archive", repository, "InRelease")
    return Objects(tmp_path / "archive")


def judges(*known: SigningKey) -> Judges:
    keyrings = [Keyring.parse("here", key.keyring.read_bytes()) for key in known]
    return Judges(TrustSettings(), lambda: backend(None), lambda repository: keyrings, lambda: datetime.now(UTC))


def found(
    objects: Objects, judges: Judges, repository: Repository, *signers: str, brought: bytes | None = None
) -> Vouched:
    pin = pin_of(repository)
    if signers:
        pin = type(pin)(pin.root, pin.date, signers=signers)
    generation = Generation("4f" * 16, NOW, {key_of(repository): pin})
    (result,) = vouched(objects, judges, generation, {} if brought is None else {key_of(repository): brought})
    return result


def test_keyrings_of_this_machine_come_first(objects: Objects, repository: Repository, signing_key: SigningKey) -> None:
    result = found(objects, judges(signing_key), repository, brought=b"no keyring")

    assert (result.check.verdict, result.is_by_own) == (Verdict.GOOD, True)
    assert result.text == f"{key_of(repository)}: good, signed by {signing_key.fingerprint}"


def test_keys_that_came_along_are_told_as_such(
    objects: Objects, repository: Repository, signing_key: SigningKey
) -> None:
    result = found(objects, judges(), repository, brought=signing_key.keyring.read_bytes())

    assert (result.check.verdict, result.is_by_own) == (Verdict.GOOD, False)
    assert "by the keys of the export, which this machine does not know: good" in result.text


@pytest.mark.parametrize("brought", [None, b"", b"no keyring"])
def test_without_a_key_it_is_told_and_hinders_nothing(
    objects: Objects, repository: Repository, brought: bytes | None
) -> None:
    result = found(objects, judges(), repository, brought=brought)

    assert (result.check.verdict, result.is_by_own) == (Verdict.UNKNOWN, True)


@pytest.mark.parametrize("is_known_here", [True, False])
def test_signers_that_have_not_signed_it_are_refused(
    objects: Objects, repository: Repository, stranger_key: SigningKey, is_known_here: bool
) -> None:
    known = judges(*([stranger_key] if is_known_here else []))

    with pytest.raises(IntegrityError, match="is none that its signers in the lock file have signed"):
        found(objects, known, repository, stranger_key.fingerprint, brought=stranger_key.keyring.read_bytes())


def test_where_nothing_can_verify_it_is_told(objects: Objects, repository: Repository, signing_key: SigningKey) -> None:
    def none() -> None:
        raise RefusedError("no backend")

    here = judges(signing_key)
    result = found(objects, Judges(here.trust, none, here.keyrings, here.now), repository)  # type: ignore[arg-type]  # it never returns

    assert (result.check.verdict, result.text.endswith("cannot be verified here: no backend")) == (
        Verdict.UNKNOWN,
        True,
    )
