# SPDX-License-Identifier: MIT
import sys
from pathlib import Path

import pytest

from aptfreeze.errors import RefusedError, UsageError
from aptfreeze.trust.backends import backend


def test_both_are_there_and_the_faster_goes_first() -> None:
    assert repr(backend()) == "<Verifier sequoia, gpgv>"
    assert repr(backend("gpgv")) == "<Verifier gpgv, sequoia>"


def test_one_is_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with monkeypatch.context() as without_pysequoia:
        without_pysequoia.setitem(sys.modules, "pysequoia", None)
        assert repr(backend()) == "<Verifier gpgv>"
        with pytest.raises(RefusedError, match="sequoia is not installed"):
            backend("sequoia")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert repr(backend()) == "<Verifier sequoia>"
    with pytest.raises(RefusedError, match="gpgv is not installed"):
        backend("gpgv")


def test_none_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pysequoia", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RefusedError, match="neither pysequoia nor gpgv is installed") as caught:
        backend()
    assert caught.value.hint is not None
    assert "gpgv" in caught.value.hint
    assert "pysequoia" in caught.value.hint


def test_unknown_name() -> None:
    with pytest.raises(UsageError, match="'gnupg' is no OpenPGP backend"):
        backend("gnupg")
