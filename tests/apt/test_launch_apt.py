# SPDX-License-Identifier: MIT
"""What `run` gives its command, with the real apt: the tests' mirror stands where the proxy would.

The sources name a host that does not exist, so whatever is fetched was asked from the proxy.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aptfreeze.launch.prepare import Prepared, prepare
from aptfreeze.launch.session import Session
from support.apt import Apt
from support.faults import Status
from support.origin import Origin
from support.process import Result, run
from support.repository import MakeRepository, Repository
from support.sessions import make_session

URL = "http://mirror.example.org/debian"
_NOBODY = "65534"


@pytest.fixture
def session(tmp_path: Path, origin: Origin) -> Session:
    return make_session(tmp_path, proxy=origin.url)


def fresh(session: Session) -> Session:
    """The next run of the same generation, with a session folder of its own."""
    folder = Path(tempfile.mkdtemp(dir=session.folder))
    folder.chmod(0o755)
    return replace(session, folder=folder)


def launched(apt: Apt, session: Session, *command: str, **more: str) -> Result:
    prepared = prepare(command, apt.environ | more, fresh(session))
    return run(command, env=prepared.variables, cwd=apt.downloads)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("Acquire::http::Proxy", "DIRECT"),
        ("Acquire::http::Proxy::mirror.example.org", "DIRECT"),
        ("Acquire::http::Proxy-Auto-Detect", "/bin/false"),
        ("Binary::apt-get::Acquire::http::Proxy", "DIRECT"),
        ("Binary::apt-get::Acquire::http::Proxy::mirror.example.org", "DIRECT"),
    ],
)
@pytest.mark.parametrize("file", ["apt_config", "etc/empty/99own.conf", "etc/apt.conf"])
def test_apt_asks_us_whatever_proxy_it_is_configured_with(
    apt: Apt, repository: Repository, session: Session, file: str, option: str, value: str
) -> None:
    with (apt.root / file).open("a") as configuration:
        configuration.write(f'{option} "{value}";\n')
    apt.add(repository, url=URL)
    launched(apt, session, "apt-get", "update", no_proxy="mirror.example.org").ok()
    launched(apt, session, "apt-get", "download", "hello").ok()
    assert [file.name for file in apt.downloads.iterdir()] == ["hello_1.0_amd64.deb"]


def test_apt_s_own_lists_are_not_touched_and_each_generation_starts_anew(
    apt: Apt, repository: Repository, session: Session
) -> None:
    apt.add(repository, url=URL)
    launched(apt, session, "apt-get", "update").ok()
    assert not list(apt.lists.glob("*InRelease"))
    assert len(list(session.state.rglob("lists/*InRelease"))) == 1


def test_installed_packages_come_from_the_generation_s_own_cache(
    apt: Apt, repository: Repository, session: Session
) -> None:
    (apt.archives / "hello_1.0_amd64.deb").write_bytes(bytes(repository.file_of("hello").stat().st_size))
    apt.add(repository, url=URL)
    launched(apt, session, "apt-get", "update").ok()
    launched(apt, session, "apt-get", "install", "--download-only", "hello").ok()
    (fetched,) = session.state.rglob("*.deb")
    assert fetched.read_bytes() == repository.file_of("hello").read_bytes()


@pytest.mark.parametrize("command", [("apt-get", "update"), ("sh", "-c", "apt-get update")])
def test_an_expired_suite_is_taken(
    apt: Apt, make_repository: MakeRepository, session: Session, command: tuple[str, ...]
) -> None:
    repository = make_repository()
    repository.publish(date=datetime.now(UTC) - timedelta(days=30), valid_for=timedelta(days=7))
    apt.add(repository, url=URL)
    apt.use_proxy(session.proxy)
    assert "expired" in apt.update().fails().output
    launched(apt, session, *command).ok()


def test_a_suite_from_the_future_is_taken_where_the_clock_is_behind(
    apt: Apt, make_repository: MakeRepository, session: Session
) -> None:
    repository = make_repository()
    repository.publish(date=datetime.now(UTC) + timedelta(days=30))
    apt.add(repository, url=URL)
    apt.use_proxy(session.proxy)
    assert "not valid yet" in apt.update().fails().output
    launched(apt, session, "apt-get", "update").ok()


def test_an_update_that_failed_for_the_moment_fails(
    apt: Apt, repository: Repository, session: Session, origin: Origin
) -> None:
    apt.add(repository, url=URL)
    apt.set("Acquire::Retries", "0")
    apt.use_proxy(session.proxy)
    origin.inject("*InRelease", Status(503))
    apt.update().ok()  # apt's own default
    launched(apt, session, "apt-get", "update").fails(100)


@pytest.mark.parametrize("tool", ["apt-get update", "wget -O - https://mirror.example.org/debian/x"])
def test_https_fails_with_the_proxy_s_reason(apt: Apt, session: Session, origin: Origin, tool: str) -> None:
    (apt.root / "etc/sources.list").write_text(f"deb [trusted=yes] {URL.replace('http:', 'https:')} bookworm main\n")
    apt.set("Acquire::Retries", "0")
    apt.set("Acquire::https::Proxy", "DIRECT")
    told = launched(apt, session, *tool.split(), https_proxy="", no_proxy="*").fails()
    assert [seen.target for seen in origin.requests] == ["mirror.example.org:443"]
    assert "Not Found" in told.output  # the reason phrase with which the tests' mirror answers CONNECT


@pytest.fixture
def open_session(origin: Origin) -> Iterator[Session]:
    """A session in a folder that every user may enter and write, as pytest's own folders are not."""
    root = Path(tempfile.mkdtemp(prefix="open-"))
    root.chmod(0o755)
    session = make_session(root, proxy=origin.url)
    session.state.chmod(0o777)
    session.folder.chmod(0o777)
    yield session
    shutil.rmtree(root)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's apt changes its user")
def test_root_s_apt_downloads_as_its_sandbox_user(
    open_session: Session, make_repository: MakeRepository, origin: Origin
) -> None:
    repository = make_repository()
    repository.publish()
    apt = Apt(open_session.folder.parent / "apt")
    apt.set("APT::Sandbox::User", "_apt")
    apt.add(repository, url=URL, trusted="yes")
    updated = launched(apt, open_session, "apt-get", "update").ok()
    assert "unsandboxed" not in updated.output
    assert origin.count("*InRelease") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else; any other user tests it anyway")
def test_a_normal_user_can_update_and_download(open_session: Session, repository: Repository) -> None:
    apt = Apt(open_session.folder.parent / "apt")
    apt.downloads.chmod(0o777)
    apt.add(repository, url=URL, trusted="yes")
    for arguments in (["update"], ["download", "hello"]):
        line = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "apt-get", *arguments]
        run(line, env=prepared_for_nobody(apt, open_session).variables, cwd=apt.downloads).ok()
    assert [file.name for file in apt.downloads.iterdir()] == ["hello_1.0_amd64.deb"]


def prepared_for_nobody(apt: Apt, session: Session) -> Prepared:
    """What `aptfreeze run -- apt-get` would prepare in a process of that user."""
    os.seteuid(int(_NOBODY))
    try:
        return prepare(["apt-get"], apt.environ, fresh(session))
    finally:
        os.seteuid(0)
