# SPDX-License-Identifier: MIT
"""What goes past the proxy, or past apt's checks, is noticed: shared package caches, builds that never asked."""

from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze
from support.build import build
from support.origin import Origin
from support.repository import Repository


def test_run_warns_when_no_request_came(aptfreeze: Aptfreeze) -> None:
    done = aptfreeze.run(["true"]).ok()

    assert "not one request" in done.said_by("aptfreeze")


def test_run_warns_when_the_variables_were_dropped(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    apt.add(repository)
    drop = ["env", "-u", "http_proxy", "-u", "HTTP_PROXY", f"APT_CONFIG={apt.configuration}"]  # as sudo does

    done = aptfreeze.run([*drop, *apt.command("update")], env=apt.environ).ok()

    assert origin.count("*/InRelease") == 1
    assert "not one request" in done.said_by("aptfreeze")


def test_no_proxy_is_taken_out_of_the_way(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    apt.add(repository)

    aptfreeze.run(["sh", "-c", "apt-get update"], env={**apt.environ, "no_proxy": "127.0.0.1"}).ok()

    assert list(aptfreeze.pins) == [f"{origin.host}/debian bookworm"]


def test_apt_itself_does_not_believe_in_a_package_of_its_old_cache(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    hello = repository.file_of("hello").read_bytes()
    apt.add(repository)
    planted = apt.archives / "hello_1.0_amd64.deb"
    planted.write_bytes(b"x" * len(hello))  # apt looks at name and size only

    aptfreeze.run(apt.command("update"), env=apt.environ).ok()
    done = aptfreeze.run(apt.command("install", "--download-only", "hello"), env=apt.environ).ok()

    assert "Need to get 0 B" not in done.output
    assert origin.count("*/hello_1.0_amd64.deb") == 1
    (fetched,) = (aptfreeze.environment / ".aptfreeze").rglob("archives/hello_1.0_amd64.deb")
    assert fetched.read_bytes() == hello


def test_other_programs_are_frozen_by_path(repository: Repository, make_apt: MakeApt, aptfreeze: Aptfreeze) -> None:
    hello = repository.file_of("hello").read_bytes()
    url = f"{repository.url}/{repository.file_of('hello').relative_to(repository.root)}"
    with aptfreeze.serve() as frozen:
        build(make_apt(proxy=frozen.proxy), repository)
    repository.remove("hello")
    repository.publish()

    aptfreeze.run(["wget", "-q", "-O", "hello.deb", url]).ok()

    assert (aptfreeze.environment / "hello.deb").read_bytes() == hello
