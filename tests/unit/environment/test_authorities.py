# SPDX-License-Identifier: MIT
"""The authority for certificates, as it lies on disk."""

import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aptfreeze.environment.authorities import authority_file, certificate, obtain_authority
from aptfreeze.environment.process import Process
from aptfreeze.errors import AptfreezeError, UsageError
from aptfreeze.settings import InterceptSettings
from support.users import acting_as, folder_of, only_root

PROCESS = Process.current("test")


def settings(root: Path, *names: str) -> InterceptSettings:
    return InterceptSettings(root / "config/authority.pem", certificates_for=names)


def test_it_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: obtain_authority(settings(tmp_path), PROCESS).fingerprint, range(4)))
    assert len(set(made)) == 1
    assert stat.S_IMODE(authority_file(settings(tmp_path)).stat().st_mode) == 0o600
    assert obtain_authority(settings(tmp_path), PROCESS).fingerprint == made[0]


def test_the_certificate_alone_is_that_of_the_authority(tmp_path: Path) -> None:
    made = certificate(settings(tmp_path), PROCESS)
    assert b"PRIVATE" not in made
    assert certificate(settings(tmp_path), PROCESS) == made
    assert obtain_authority(settings(tmp_path), PROCESS).certificate == made


def test_other_names_have_another_authority(tmp_path: Path) -> None:
    files = {authority_file(settings(tmp_path, *names)) for names in ((), ("a.example.org",), ("b.example.org",))}
    assert len(files) == 3
    fingerprints = {
        obtain_authority(settings(tmp_path, *names), PROCESS).fingerprint for names in ((), ("a.example.org",))
    }
    assert len(fingerprints) == 2


def test_one_that_others_can_read_or_that_is_none_is_refused_with_what_to_do(tmp_path: Path) -> None:
    obtain_authority(settings(tmp_path), PROCESS)
    file = authority_file(settings(tmp_path))
    file.chmod(0o640)
    for ask in (certificate, obtain_authority):
        with pytest.raises(UsageError, match=r"mode 640"):
            ask(settings(tmp_path), PROCESS)
    file.chmod(0o600)
    file.write_bytes(b"nonsense")
    for ask in (certificate, obtain_authority):
        with pytest.raises(UsageError, match="cannot be used to sign"):
            ask(settings(tmp_path), PROCESS)


@only_root
def test_where_none_can_be_made_the_setting_is_named() -> None:
    with folder_of(0) as folder, acting_as(4242), pytest.raises(UsageError, match=" cannot be made: ") as caught:
        certificate(settings(folder), PROCESS)
    assert caught.value.message.endswith(f"{folder} cannot be written by this user")
    assert "[tls] authority" in (caught.value.hint or "")


def test_without_what_makes_certificates_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)  # as if it were not installed

    with pytest.raises(AptfreezeError, match="certificates for https cannot be made: ") as caught:
        certificate(settings(tmp_path), PROCESS)

    assert "python3-cryptography" in (caught.value.hint or "")
    assert not authority_file(settings(tmp_path)).exists()
