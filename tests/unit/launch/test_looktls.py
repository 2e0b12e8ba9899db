# SPDX-License-Identifier: MIT
"""What is seen of https."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import pytest

from aptfreeze.environment.authorities import authority_file, obtain_authority
from aptfreeze.environment.process import Process
from aptfreeze.fetch.aptread import Option
from aptfreeze.launch.finding import Finding, Level
from aptfreeze.launch.looktls import (
    look_at_authority,
    look_at_https_hosts,
    look_at_mirror_files,
    look_at_tls_options,
)
from aptfreeze.settings import InterceptSettings, TlsSettings
from support.certificates import Authority
from support.users import acting_as, folder_of, only_root

NOW = datetime.now(UTC)


def levels(found: list[Finding]) -> list[Level]:
    return [each.level for each in found]


def authority(settings: InterceptSettings, *, days: float = 0, is_needed: bool = True) -> Finding:
    (found,) = look_at_authority(settings, NOW + timedelta(days=days), is_needed=is_needed)
    return found


def test_an_authority_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    found = authority(InterceptSettings(tmp_path / "config/authority.pem"))

    assert (found.level, "made by the first run" in found.what) == (Level.OK, True)
    assert list(tmp_path.iterdir()) == []


@only_root
def test_one_that_cannot_be_made_matters_where_https_is_asked_for() -> None:
    with folder_of(0) as folder, acting_as(4242):
        settings = InterceptSettings(folder / "authority.pem")
        needed, idle = (authority(settings, is_needed=each) for each in (True, False))

    assert (needed.level, idle.level) == (Level.PROBLEM, Level.NOTE)
    assert "[tls] authority" in needed.fix


def test_one_that_others_can_read_is_refused(tmp_path: Path) -> None:
    settings = InterceptSettings(tmp_path / "authority.pem")
    obtain_authority(settings, Process.current("test"))
    authority_file(settings).chmod(0o644)

    found = authority(settings)

    assert (found.level, found.fix.startswith("chmod 600 ")) == (Level.PROBLEM, True)


@pytest.mark.parametrize(
    ("days", "is_needed", "level"),
    [(0, True, Level.OK), (3640, True, Level.WARNING), (3660, True, Level.PROBLEM), (3660, False, Level.NOTE)],
)
def test_its_end_and_for_whom_it_signs_are_told(tmp_path: Path, days: float, is_needed: bool, level: Level) -> None:
    settings = InterceptSettings(tmp_path / "authority.pem", certificates_for=("mirror.example.org",))
    obtain_authority(settings, Process.current("test"))

    found = authority(settings, days=days, is_needed=is_needed)

    assert found.level is level
    assert f"{NOW + timedelta(days=3650):%Y-%m}" in found.what
    assert found.fix == "" if level is Level.OK else found.fix.startswith(f"rm {authority_file(settings)}")
    assert ("for mirror.example.org alone" in found.what) == (level is Level.OK)


def hosts(*urls: str, **lists: tuple[str, ...]) -> list[Level]:
    return levels(list(look_at_https_hosts(urls, InterceptSettings(Path("/none"), **lists))))


def test_hosts_that_are_asked_by_https_are_frozen_unless_a_setting_says_otherwise() -> None:
    url = "https://deb.example.org:8443/debian"
    assert hosts("http://deb.example.org/debian", "https://") == []
    assert hosts(url, url) == [Level.OK]
    assert hosts(url, tunnel=("example.org",)) == [Level.WARNING]
    assert hosts(url, certificates_for=("example.net",)) == [Level.PROBLEM]
    assert hosts(url, certificates_for=("example.org",)) == [Level.OK]
    assert hosts(intercept=("example.org",), certificates_for=("example.net",)) == [Level.PROBLEM]
    assert hosts(intercept=("example.org",)) == []


def test_whom_apt_is_told_to_trust_is_told_with_what_run_does(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    options = [
        Option("Acquire::https::CAInfo", str(tmp_path / "ca.pem")),
        Option("Acquire::https::CAInfo::mirror.example.org", str(tmp_path / "missing.pem")),
        Option("Acquire::https::Verify-Peer", "false"),
        Option("Acquire::https::Verify-Host::mirror.example.org", "true"),
    ]

    assert levels(list(look_at_tls_options(options))) == [Level.NOTE, Level.WARNING, Level.NOTE]


def mirror_files(days: float = 0, **files: Path) -> list[Level]:
    hosts = MappingProxyType({name.replace("_", "."): {"ca": file} for name, file in files.items() if name != "ca"})
    return levels(list(look_at_mirror_files(TlsSettings(files.get("ca"), hosts), NOW + timedelta(days=days))))


def test_files_for_https_mirrors_have_to_be_there_and_to_count_still(tmp_path: Path) -> None:
    good = Authority(tmp_path).file
    (tmp_path / "nonsense.pem").write_text("nonsense")

    assert mirror_files() == mirror_files(ca=good) == mirror_files(mirror_example_org=good) == []
    assert mirror_files(ca=tmp_path / "missing.pem") == [Level.PROBLEM]
    assert mirror_files(ca=good, mirror_example_org=tmp_path / "nonsense.pem") == [Level.PROBLEM]
    assert mirror_files(days=2, ca=good) == [Level.WARNING]
