# SPDX-License-Identifier: MIT
"""Sources by plain http, fetched by https: real apt in front, a real nginx behind."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from support.apt import Apt
from support.aptfreeze import Aptfreeze
from support.certificates import Authority
from support.mirror import Mirror
from support.nginx import IS_INSTALLED, Nginx
from support.process import Result
from support.repository import Repository

NAME = "mirror.example.org/debian"

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

needs_nginx = pytest.mark.skipif(not IS_INSTALLED, reason="nginx is not installed")

Serve = Callable[..., AbstractContextManager[Nginx]]


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    (tmp_path / "ca").mkdir()
    return Authority(tmp_path / "ca")


@pytest.fixture
def serve(tmp_path: Path, repository: Repository, aptfreeze: Aptfreeze, ca: Authority) -> Serve:
    """Serves the repository by TLS, and tells the product so; `settings` are more lines of aptfreeze.toml."""

    def begin(certificate: Path | None = None, more: str = "", settings: str = "") -> Nginx:
        nginx = Nginx(tmp_path / "nginx", repository.root.parent, certificate or ca.issue("localhost"), more)
        aptfreeze.configure("[fetch]\nretries = 0")
        aptfreeze.configure(settings.format(port=nginx.port))
        aptfreeze.configure(f'[mirrors]\n"{NAME}" = ["https://localhost:{nginx.port}/debian"]')
        if "tls" not in settings:
            aptfreeze.configure(f'[tls]\nca = "{ca.file}"')
        return nginx

    return begin


def updated(apt: Apt, aptfreeze: Aptfreeze, repository: Repository) -> Result:
    apt.add(repository, url=f"http://{NAME}")
    return aptfreeze.run(apt.command("update"), env=apt.environ)


@needs_nginx
def test_a_source_by_http_is_fetched_by_https_and_frozen_under_its_own_name(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze, serve: Serve
) -> None:
    with serve() as nginx:
        updated(apt, aptfreeze, repository).ok()
        aptfreeze.run(apt.command("install", "--download-only", "hello"), env=apt.environ).ok()
        asked = nginx.asked

    assert "GET /debian/dists/bookworm/InRelease" in asked
    assert "hello_1.0" in asked
    assert list(aptfreeze.pins) == [f"{NAME} bookworm"]
    aptfreeze.run(apt.command("update"), "--offline", env=apt.environ).ok()


@needs_nginx
@pytest.mark.parametrize(
    ("names", "ends", "is_self_signed", "reason", "hint"),
    [
        (["localhost"], -0.5, False, "its certificate expired (valid from 20", "set the clock"),
        (["other.example.org"], 1, False, "not for localhost but for other.example.org", "in [mirrors] as"),
        (["localhost"], 1, True, "signed by itself (CN=localhost)", '[tls.host."localhost:'),
    ],
)
def test_a_server_that_cannot_prove_who_it_is_gets_no_request_and_nothing_is_pinned(
    names: list[str],
    ends: float,
    is_self_signed: bool,
    reason: str,
    hint: str,
    repository: Repository,
    apt: Apt,
    aptfreeze: Aptfreeze,
    serve: Serve,
    ca: Authority,
) -> None:
    certificate = ca.issue(*names, end_days=ends, is_self_signed=is_self_signed)
    with serve(certificate) as nginx:
        done = updated(apt, aptfreeze, repository).fails()
        asked = nginx.asked

    assert reason in done.output
    assert hint in done.output
    assert (asked, aptfreeze.pins) == ("", {})


@needs_nginx
def test_update_tells_what_is_not_trusted_and_moves_nothing(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze, serve: Serve
) -> None:
    with serve():
        updated(apt, aptfreeze, repository).ok()
        before = aptfreeze.lock_file.read_bytes()
        repository.publish()
        text = aptfreeze.configuration.read_text()
        aptfreeze.configuration.write_text(text[: text.index("[tls]")])
        done = aptfreeze.command("update", "--archive", str(aptfreeze.archive)).fails(4)

    assert "signed by a CA that is not known (CN=Test CA); known are the CAs of this machine" in done.stderr
    assert '[tls.host."localhost:' in done.stderr
    assert aptfreeze.lock_file.read_bytes() == before


@needs_nginx
def test_the_next_mirror_is_asked_when_one_is_not_trusted(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze, tmp_path: Path, ca: Authority
) -> None:
    with Nginx(tmp_path / "nginx", repository.root.parent, ca.issue("localhost", is_self_signed=True)) as nginx:
        urls = f'"https://localhost:{nginx.port}/debian", "{repository.url}"'
        aptfreeze.configure(f'[mirrors]\n"{NAME}" = [{urls}]')
        updated(apt, aptfreeze, repository).ok()
        assert nginx.asked == ""


@needs_nginx
def test_a_mirror_that_wants_a_client_certificate(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze, serve: Serve, ca: Authority
) -> None:
    more = f"ssl_client_certificate {ca.file}; ssl_verify_client on;"
    table = f'[tls.host."localhost:{{port}}"]\nca = "{ca.file}"\n'
    with serve(more=more, settings=table) as nginx:
        refused = updated(apt, aptfreeze, repository).fails()
        text = aptfreeze.configuration.read_text()
        certificate = f'client_certificate = "{ca.issue("client")}"\nca = '
        aptfreeze.configuration.write_text(text.replace("ca = ", certificate))
        aptfreeze.run(apt.command("update"), env=apt.environ).ok()

    assert "client certificate" in refused.output
    assert "client_certificate" in refused.output
    assert f'[tls.host."localhost:{nginx.port}"]' in refused.output


@needs_nginx
def test_a_mirror_that_wants_a_password(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze, serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "users").write_text("jane:{PLAIN}right\n")
    auth = tmp_path / "auth.conf"
    auth.touch(mode=0o600)
    more = f"auth_basic private; auth_basic_user_file {tmp_path}/users;"
    with serve(more=more, settings=f'credentials = ["{auth}"]') as nginx:
        nameless = updated(apt, aptfreeze, repository).fails()
        auth.write_text(f"machine localhost:{nginx.port}/debian login jane password wrong\n")
        wrong = aptfreeze.run(apt.command("update"), env=apt.environ).fails()
        auth.write_text(f"machine localhost:{nginx.port}/debian login jane password right\n")
        right = aptfreeze.run(apt.command("update"), env=apt.environ).ok()

    assert "401 Unauthorized" in nameless.output
    assert f'add "machine localhost:{nginx.port} login USER password PASSWORD" to {auth}' in nameless.output
    assert f"does not let user 'jane' of {auth} have it" in wrong.output
    assert "wrong" not in wrong.output.replace(str(tmp_path), "")
    assert "right" not in right.output


@pytest.mark.online
@pytest.mark.timeout(300)
def test_the_real_mirror_by_https(mirror: Mirror, apt: Apt, aptfreeze: Aptfreeze) -> None:
    secure = mirror.url.replace("http://", "https://")
    name = mirror.url.removeprefix("http://")
    aptfreeze.configure(f'[mirrors]\n"{name}" = ["{secure}"]')
    aptfreeze.configure(f'[trust.repository."{name}"]\nkeyrings = ["{KEYRING}"]')
    entry = f"deb [signed-by={KEYRING}] {mirror.url} {mirror.suite} main\n"
    (apt.root / "etc/sources.list").write_text(entry)

    aptfreeze.run(apt.command("update"), env=apt.environ).ok()
    aptfreeze.run(apt.command("install", "--download-only", "hostname"), env=apt.environ).ok()

    assert list(aptfreeze.pins) == [f"{name} {mirror.suite}"]
    aptfreeze.run(apt.command("install", "--download-only", "hostname"), "--offline", env=apt.environ).ok()
