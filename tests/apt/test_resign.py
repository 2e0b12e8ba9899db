# SPDX-License-Identifier: MIT
"""Suites signed anew: for clients that can be given a key and no options, whatever their clock says."""

import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support import clock
from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze
from support.client import ask
from support.gpg import at
from support.origin import Origin
from support.process import run
from support.repository import MakeRepository, Repository
from support.signing import SigningKey, throwaway_key

WEEK = timedelta(days=7)
LONG_AGO = datetime(2015, 6, 2, tzinfo=UTC)
FILES = ("InRelease", "Release", "Release.gpg")
TODAY, AHEAD, BEHIND = 0, 10 * clock.YEAR, -2 * clock.YEAR
any_clock = pytest.mark.parametrize(
    "days", [TODAY, AHEAD, BEHIND], ids=["today", "ten years ahead", "two years behind"]
)


@pytest.fixture(scope="module")
def expired_key() -> Iterator[SigningKey]:
    with throwaway_key("Of old", at("20150601"), lives="1y") as key:
        yield key


@pytest.fixture
def old(make_repository: MakeRepository, aptfreeze: Aptfreeze, origin: Origin, expired_key: SigningKey) -> Repository:
    """A suite of 2015 that was good for a week, by a key that was good for a year; it may be pinned all the same."""
    repository = make_repository("old", key=expired_key)
    repository.add("hello", "1.0")
    repository.publish(date=LONG_AGO, valid_for=WEEK)
    aptfreeze.configuration.unlink()
    aptfreeze.trust(expired_key)
    aptfreeze.configure(f'expired = ["{origin.host}/old bookworm"]')
    return repository


def updated(client: Apt, days: int = TODAY) -> str:
    """`apt-get update` and installation at that time; what apt said, all of it."""
    env = client.environ if days == TODAY else {**client.environ, **clock.variables(days)}
    update = run(client.command("update"), env=env, cwd=client.root)
    if update.returncode != 0:
        return update.output
    install = run(client.command("install", "--download-only", "hello"), env=env, cwd=client.root)
    return update.output + install.output


@any_clock
def test_a_client_with_our_key_and_no_options_builds_at_any_time(
    old: Repository, make_apt: MakeApt, aptfreeze: Aptfreeze, days: int
) -> None:
    if days and not clock.can_move():
        pytest.skip("libfaketime is not installed")
    public = aptfreeze.resign()
    with aptfreeze.serve() as frozen:
        client = make_apt(proxy=frozen.proxy)
        client.add(old, signed_by=str(public))
        said = updated(client, days)

    assert list(client.fetched()) == ["hello_1.0_amd64.deb"], said
    assert "W:" not in said


def test_without_our_signature_apt_refuses_it(old: Repository, make_apt: MakeApt, aptfreeze: Aptfreeze) -> None:
    """The reason for all this."""
    with aptfreeze.serve() as frozen:
        client = make_apt(proxy=frozen.proxy)
        client.add(old)
        said = updated(client)

        assert "EXPKEYSIG" in said or "xpired" in said
        assert client.fetched() == {}


def test_a_source_line_that_names_the_archive_s_own_key_fails(
    repository: Repository, make_apt: MakeApt, aptfreeze: Aptfreeze
) -> None:
    aptfreeze.resign()
    with aptfreeze.serve() as frozen:
        client = make_apt(proxy=frozen.proxy)
        client.add(repository)
        said = updated(client)

    assert "NO_PUBKEY" in said or "issing key" in said
    assert client.fetched() == {}


@pytest.mark.parametrize(
    "layout", [{"inrelease": False}, {"release": False}, {"flat": True}], ids=["Release.gpg", "InRelease", "flat"]
)
def test_every_kind_of_suite_has_all_three_files(
    make_repository: MakeRepository, make_apt: MakeApt, aptfreeze: Aptfreeze, layout: dict[str, Any]
) -> None:
    repository = make_repository(**layout)
    repository.add("hello", "1.0")
    repository.publish(valid_for=WEEK)
    public = aptfreeze.resign()
    with aptfreeze.serve() as frozen:
        client = make_apt(proxy=frozen.proxy)
        client.add(repository, signed_by=str(public))
        assert "hello" in updated(client)
        client.clear_lists()
        client.update("-o", "Acquire::By-Hash=no").ok()
        folder = repository.url if repository.layout.flat else f"{repository.url}/dists/bookworm"
        answers = {name: ask(frozen.proxy, f"{folder}/{name}") for name in FILES}

    assert [answer.status for answer in answers.values()] == [200, 200, 200]
    assert list(client.fetched()) == ["hello_1.0_amd64.deb"]
    assert gpgv(public, client.root, answers["Release.gpg"].body, answers["Release"].body) == 0
    assert answers["Release"].body in answers["InRelease"].body
    assert "Valid-Until" not in answers["Release"].text


def gpgv(public: Path, folder: Path, signature: bytes, data: bytes) -> int:
    (folder / "signature").write_bytes(signature)
    (folder / "data").write_bytes(data)
    return run(
        ["gpgv", "--keyring", str(public), "signature", "data"], env={"PATH": os.environ["PATH"]}, cwd=folder
    ).returncode


def test_two_machines_with_one_key_serve_the_same_bytes_before_and_after_a_restart(
    repository: Repository, make_apt: MakeApt, aptfreeze: Aptfreeze, tmp_path: Path
) -> None:
    public = aptfreeze.resign()
    other = Aptfreeze(tmp_path / "other-machine")
    other.configuration.write_text(aptfreeze.configuration.read_text().replace("resign = true", ""))
    key_file = other.environment / "team.key"
    key_file.write_bytes((aptfreeze.environment / ".aptfreeze/resign.key").read_bytes())
    key_file.chmod(0o600)
    assert other.resign('resign_key = "team.key"').read_bytes() == public.read_bytes()

    served = []
    for machine in (aptfreeze, aptfreeze, other):
        with machine.serve() as frozen:
            client = make_apt(proxy=frozen.proxy)
            client.add(repository, signed_by=str(public))
            client.update().ok()
            machine.wait_until_pinned()
            answers = [ask(frozen.proxy, f"{repository.url}/dists/bookworm/{name}") for name in FILES]
            served.append(
                [(answer.body, answer.headers["etag"], answer.headers["last-modified"]) for answer in answers]
            )
    assert served[0] == served[1] == served[2]
    assert not (other.environment / ".aptfreeze/resign.key").exists()


def test_a_client_with_the_original_gets_ours_and_the_other_way_round(
    repository: Repository, make_apt: MakeApt, aptfreeze: Aptfreeze, signing_key: SigningKey, tmp_path: Path
) -> None:
    plain = aptfreeze.configuration.read_text()
    both, client = tmp_path / "both.gpg", make_apt()
    both.write_bytes(aptfreeze.resign().read_bytes() + signing_key.keyring.read_bytes())
    resigned = aptfreeze.configuration.read_text()
    client.add(repository, signed_by=str(both))
    (held,) = (f"{client.lists}/{name}" for name in [repository.url.removeprefix("http://").replace("/", "_")])
    seen = []
    for configuration in (plain, resigned, resigned, plain):
        aptfreeze.configuration.write_text(configuration)
        with aptfreeze.serve() as frozen:
            client.use_proxy(frozen.proxy)
            said = client.update().ok().output
            aptfreeze.wait_until_pinned()
        seen.append(Path(f"{held}_dists_bookworm_InRelease").read_bytes())
        assert ("Hit:1" in said) == (len(seen) == 3)
    assert seen[1] == seen[2] != seen[0] == seen[3]


def test_an_unsigned_suite_gets_no_signature(
    make_repository: MakeRepository, make_apt: MakeApt, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    repository = make_repository("vendor", key=None)
    repository.add("hello", "1.0")
    repository.publish()
    aptfreeze.configure(f'unsigned = ["{origin.host}/vendor bookworm"]')
    public = aptfreeze.resign()
    with aptfreeze.serve() as frozen:
        refused, trusting = make_apt(proxy=frozen.proxy), make_apt(proxy=frozen.proxy)
        refused.add(repository, signed_by=str(public))
        trusting.add(repository, trusted="yes")
        assert "is not signed" in refused.update().fails(100).output
        trusting.update().ok()
        assert ask(frozen.proxy, f"{repository.url}/dists/bookworm/InRelease").status == 404

    assert "vendor bookworm is not signed, so it is served as it is and not re-signed" in frozen.output


@pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed")
@pytest.mark.skipif(not clock.can_move(), reason="libfaketime is not installed")
@pytest.mark.parametrize("days", [AHEAD, BEHIND], ids=["ten years ahead", "two years behind"])
def test_run_gives_mmdebstrap_the_key(old: Repository, aptfreeze: Aptfreeze, folder: Path, days: int) -> None:
    options = ["--mode=chrootless", "--variant=extract", "--include=hello", "--skip=check/empty"]
    command = ["mmdebstrap", *options, "bookworm", str(folder / "image.tar"), f"deb {old.url} bookworm main"]
    refused = aptfreeze.run(command).fails(25)  # for today's apt, too, the key has expired
    aptfreeze.resign()
    aptfreeze.run(command).ok()

    aptfreeze.run(command, "--offline", env={"TMPDIR": str(folder), **clock.variables(days)}).ok()

    assert "not signed" in refused.output
    with tarfile.open(folder / "image.tar") as image:
        names = image.getnames()
    assert "./usr/share/hello/payload" in names
    assert not [name for name in names if "aptfreeze" in name]


@pytest.mark.skipif(os.geteuid() != 0, reason="debootstrap needs root")
@pytest.mark.skipif(shutil.which("debootstrap") is None, reason="debootstrap is not installed")
def test_run_gives_debootstrap_the_key(old: Repository, aptfreeze: Aptfreeze, folder: Path) -> None:
    """As far as a root that nobody has packages for: it has verified what it fetches."""
    command = ["debootstrap", "--variant=minbase", "--print-debs", "bookworm", str(folder / "root"), old.url]
    aptfreeze.resign()
    assert "Valid Release signature (key id" in aptfreeze.run(command).output


@pytest.fixture
def folder() -> Iterator[Path]:
    """Open for apt's own user, as pytest's folders are not."""
    with tempfile.TemporaryDirectory(prefix="build-") as name:
        Path(name).chmod(0o755)
        yield Path(name)
