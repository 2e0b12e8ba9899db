# SPDX-License-Identifier: MIT
"""The key of an environment on disk, and the files that are signed with it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aptfreeze.deb.release import Release
from aptfreeze.environment.folder import Environment
from aptfreeze.environment.process import Process
from aptfreeze.environment.resigning import Resigning, last_modified, obtain_key, resigned
from aptfreeze.environment.store import EnvironmentStore
from aptfreeze.errors import UsageError
from aptfreeze.fetch.opened import OpenArchive, open_archive
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import InRelease, Pin, SuiteKey
from aptfreeze.freeze.outcome import PinnedResigned
from aptfreeze.rows import ROWS, from_values
from aptfreeze.settings import ResignSettings, Sourced
from aptfreeze.trust import clearsign
from aptfreeze.trust.backends import backend
from aptfreeze.trust.keyring import Keyring
from aptfreeze.trust.signing import SigningKey
from support.repository import Repository
from support.users import acting_as, folder_of, only_root

DATE = datetime(2026, 7, 11, 10, 16, 37, tzinfo=UTC)
RELEASE = b"""\
Origin: Example
Date: Sat, 11 Jul 2026 10:16:37 UTC
Valid-Until: Sat, 18 Jul 2026 10:16:37 UTC
Signed-By: 4CB50190207B4758A3F73A796ED0E7B82643E131,
 B8E5F13176D2A7A75220028078DBA3BC47EF2265
SHA256:
 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 main/binary-amd64/Packages
"""
KEY = SigningKey.generate("test", bytes(range(1, 33)))
OTHER = SigningKey.generate("test", bytes(range(2, 34)))
OWN = ResignSettings(True)


def store(folder: Path) -> EnvironmentStore:
    return EnvironmentStore(Environment(folder), Process.current("test"))


def refusal(folder: Path, settings: ResignSettings = OWN) -> UsageError:
    with pytest.raises(UsageError) as caught:
        obtain_key(store(folder), settings)
    assert caught.value.hint
    return caught.value


# --- what is signed ---


def test_all_three_files_have_one_text_without_what_time_makes_wrong() -> None:
    keyring, verifier = Keyring.parse("ours", KEY.certificate), backend()
    release = resigned("Release", RELEASE, KEY, DATE)
    assert (
        verifier.verify_clearsigned(resigned("InRelease", RELEASE, KEY, DATE), [keyring], now=DATE).payload == release
    )
    verifier.verify_detached(release, resigned("Release.gpg", RELEASE, KEY, DATE), [keyring], now=DATE)

    before, after = Release.parse(RELEASE), Release.parse(release)
    assert (after.date, after.files) == (before.date, before.files)
    assert after.valid_until is None
    assert b"Signed-By" not in release
    assert b"B8E5" not in release


def test_blanks_at_line_ends_which_a_clear_signed_file_cannot_have_go_from_all_of_them() -> None:
    release = resigned("Release", b"Origin: Example \t\nDate: x", KEY, DATE)
    assert release == b"Origin: Example\nDate: x\n"
    assert clearsign.parse(resigned("InRelease", b"Origin: Example \t\nDate: x", KEY, DATE)).payload == release


def test_a_release_without_a_date_is_signed_all_the_same() -> None:
    signed = resigned("InRelease", b"Origin: Example\n", KEY, None)
    keyring = Keyring.parse("ours", KEY.certificate)
    assert backend().verify_clearsigned(signed, [keyring], now=DATE).payload == b"Origin: Example\n"


def test_the_time_that_is_told_is_that_of_no_other_file() -> None:
    pin = Pin(InRelease(Digest.of(b"")), DATE)
    ours, others = last_modified(pin, KEY), last_modified(pin, OTHER)
    assert ours is not None
    assert DATE - timedelta(minutes=20) < ours < DATE
    assert ours != others
    assert last_modified(Pin(InRelease(Digest.of(b"")), None), KEY) is None


# --- the files in the archive ---


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[OpenArchive]:
    values = {row.key: Sourced(row.default) for row in ROWS} | {"archive.path": Sourced(tmp_path / "archive")}
    with open_archive(from_values(values)) as archive:
        yield archive


def test_a_file_is_made_from_the_pinned_one_once_in_a_process_and_is_in_no_archive(
    archive: OpenArchive, repository: Repository
) -> None:
    lookup, key = archive.lookup(offline=False), SuiteKey(repository.url.removeprefix("http://"), "bookworm")
    pinned = archive.objects.put((repository.suite_folder / "InRelease").read_bytes())
    found = PinnedResigned(key, Pin(InRelease(pinned), repository.date, signers=("A" * 40,)), "InRelease")
    resigning = Resigning(KEY)

    made = resigning.file(lookup, found)

    assert made.data == resigned("InRelease", lookup.payload(key, found.pin), KEY, repository.date)
    assert made.digest == Digest.of(made.data)
    assert made.last_modified == last_modified(found.pin, KEY)
    assert resigning.file(lookup, found) is made
    assert Resigning(KEY).file(lookup, found) == made
    assert Resigning(OTHER).file(lookup, found).data != made.data
    assert not archive.objects.has(made.digest)
    assert repr(resigning) == f"<Resigning 1 files by {KEY.public.fingerprint}>"


# --- the key ---


def test_it_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    made = obtain_key(store(tmp_path), OWN)
    assert obtain_key(store(tmp_path), OWN) == made
    assert (tmp_path / ".aptfreeze/resign.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / ".aptfreeze/.gitignore").read_text() == "*\n"


def test_commands_that_start_at_once_have_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        keys = list(threads.map(lambda _: obtain_key(store(tmp_path), OWN), range(4)))
    assert keys == [obtain_key(store(tmp_path), OWN)] * 4


def test_another_file_is_only_read(tmp_path: Path) -> None:
    team = tmp_path / "team.key"
    team.write_bytes(KEY.private)
    team.chmod(0o400)
    assert obtain_key(store(tmp_path), ResignSettings(True, team)) == KEY
    assert list(tmp_path.iterdir()) == [team]


def test_another_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    said = refusal(tmp_path, ResignSettings(True, tmp_path / "team.key"))
    assert "resign_key names" in said.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_one_that_others_can_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    obtain_key(store(tmp_path), OWN)
    path = tmp_path / ".aptfreeze/resign.key"
    path.chmod(mode)
    said = refusal(tmp_path)
    assert f"mode {mode:o}" in said.message
    assert f"chmod 600 {path}" in (said.hint or "")


def test_one_that_is_no_key_is_refused_and_kept(tmp_path: Path) -> None:
    obtain_key(store(tmp_path), OWN)
    path = tmp_path / ".aptfreeze/resign.key"
    path.write_bytes(b"damaged")
    assert "cannot be used to sign: it is no OpenPGP private key" in refusal(tmp_path).message
    assert path.read_bytes() == b"damaged"


def test_a_symbolic_link_in_the_state_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / ".aptfreeze").mkdir()
    (tmp_path / ".aptfreeze/resign.key").symlink_to(tmp_path / "elsewhere")
    assert "symbolic link" in refusal(tmp_path).message
    assert not (tmp_path / "elsewhere").exists()


def test_an_environment_that_cannot_be_written_makes_none(tmp_path: Path) -> None:
    read_only = store(tmp_path)
    read_only.is_read_only = True
    with pytest.raises(UsageError, match="cannot be written, and has no key to sign with"):
        obtain_key(read_only, OWN)
    assert list(tmp_path.iterdir()) == []


@only_root
def test_root_gives_it_to_the_owner_of_the_environment() -> None:
    with folder_of(4711) as folder:
        made = obtain_key(store(folder), OWN)
        with acting_as(4711):
            assert obtain_key(store(folder), OWN) == made
