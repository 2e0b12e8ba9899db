# SPDX-License-Identifier: MIT
"""Pinning is a transaction: whatever ends a process, the lock file is the old one or the new one, and status tells."""

import hashlib
import json
import os
import random
import signal
import subprocess
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze
from support.build import build
from support.client import ask
from support.faults import Delay, Stall, Status
from support.origin import Origin
from support.repository import Repository
from support.serving import eventually


def every_object_verifies(archive: Path) -> int:
    """How many objects there are; AssertionError if one does not match its name."""
    objects = [path for path in (archive / "objects").rglob("*") if path.is_file()]
    for path in objects:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    return len(objects)


def status_of(product: Aptfreeze) -> Any:
    return json.loads(product.command("status", "--json", "--archive", str(product.archive)).ok().stdout)


def index_urls(repository: Repository) -> list[str]:
    names = ("Packages", "Packages.xz", "Packages.gz")
    return [f"{repository.url}/dists/{repository.layout.suite}/main/binary-amd64/{name}" for name in names]


# --- killed ---


def killed_somewhere(product: Aptfreeze, client: Apt, repository: Repository, moment_s: float) -> None:
    """A fresh environment is served and asked, until its process is killed after so many seconds."""
    client.add(repository)
    with product.serve() as frozen:
        client.use_proxy(frozen.proxy)
        killer = threading.Timer(moment_s, frozen.kill)
        killer.start()
        client.update()
        client.install("hello")
        killer.join()


def what_was_left_is_sound_and_goes_on(product: Aptfreeze, client: Apt, repository: Repository) -> None:
    before = product.pins
    assert set(before) <= {f"{repository.url.removeprefix('http://')} {repository.layout.suite}"}
    every_object_verifies(product.archive)
    if product.lock_file.exists():
        assert status_of(product)["generation"] == product.lock["generation"]
    client.clear_lists()
    client.clear_archives()
    with product.serve() as frozen:
        client.use_proxy(frozen.proxy)
        client.update().ok()
        client.install("hello").ok()
    assert not before or product.pins == before
    assert len(product.pins) == 1
    assert status_of(product)["provisional"] == []


@pytest.mark.parametrize(
    "kills", [8, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(1800)])], ids=["few", "many"]
)
def test_killed_at_any_moment(
    kills: int, repository: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt, origin: Origin
) -> None:
    origin.inject("*", Delay(0.01))
    chance = random.Random(kills)
    for number in range(kills):
        product, client = aptfreeze.beside(f"environment-{number}"), make_apt()
        killed_somewhere(product, client, repository, chance.uniform(0.0, 0.5))
        what_was_left_is_sound_and_goes_on(product, client, repository)
        repository.add("hello", f"1.{number + 1}")
        repository.publish(date=repository.date + timedelta(seconds=1), keep_by_hash=True, keep_pool=True)


def test_a_pin_that_a_killed_process_left_is_told_and_followed(
    repository: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt, origin: Origin
) -> None:
    stall = Stall()
    origin.inject("*/binary-amd64/*", stall, times=1)
    with aptfreeze.serve() as frozen:
        client = make_apt(proxy=frozen.proxy)
        client.add(repository)
        update = threading.Thread(target=client.update)
        update.start()
        assert stall.reached.wait(10)  # the InRelease is pinned, no index has come
        frozen.kill()
        stall.release()
        update.join(60)

    assert aptfreeze.pins == {}
    (left,) = status_of(aptfreeze)["provisional"]
    assert (left["suite"], left["liveness"]) == ("bookworm", "ended")
    assert "interrupted" in {event["event"] for event in status_of(aptfreeze)["events"]}

    repository.add("hello", "2.0")
    repository.publish(keep_by_hash=True, keep_pool=True)
    with aptfreeze.serve() as frozen:
        assert list(build(make_apt(proxy=frozen.proxy), repository)) == ["hello_1.0_amd64.deb"]
    assert len(aptfreeze.pins) == 1
    assert status_of(aptfreeze)["provisional"] == []


# --- failing ---


def test_a_provisional_pin_is_dropped_with_a_503_and_the_next_request_starts_anew(
    repository: Repository, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    aptfreeze.configure("[fetch]\nretries = 0")
    inrelease = f"{repository.url}/dists/bookworm/InRelease"
    with aptfreeze.serve() as frozen:
        assert ask(frozen.proxy, inrelease).status == 200
        origin.inject("*/binary-amd64/*", Status(500))
        for _ in range(2):  # the pin is gone after the first, and the answer stays the same
            (refused, *_) = [ask(frozen.proxy, url) for url in index_urls(repository)[1:]]
            assert (refused.status, "retry-after" in refused.headers) == (503, True)
            assert "in the middle of an update" in refused.text
        assert status_of(aptfreeze)["provisional"] == []
        assert status_of(aptfreeze)["events"][-1]["event"] == "dropped"

        origin.heal()
        repository.add("hello", "2.0")
        repository.publish()
        fresh = ask(frozen.proxy, inrelease)
        assert fresh.body == (repository.suite_folder / "InRelease").read_bytes()
        assert ask(frozen.proxy, index_urls(repository)[1]).status == 200
    (pin,) = aptfreeze.pins.values()
    assert pin["inrelease"] == f"sha256:{hashlib.sha256(fresh.body).hexdigest()}"


def test_a_committed_pin_is_never_replaced_because_an_index_fails(
    repository: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt, origin: Origin, tmp_path: Path
) -> None:
    with aptfreeze.serve() as frozen:
        build(make_apt(proxy=frozen.proxy), repository)
    before = aptfreeze.lock_file.read_bytes()

    aptfreeze.archive = tmp_path / "another archive"  # a fresh runner with the lock file alone
    aptfreeze.configure("[fetch]\nretries = 0")
    origin.inject("*/binary-amd64/*", Status(500))
    with aptfreeze.serve() as frozen:
        client = make_apt(proxy=frozen.proxy)
        client.add(repository)
        client.set("Acquire::Retries", "0")
        failed = client.update()
        assert "502" in failed.output
        assert ask(frozen.proxy, f"{repository.url}/dists/bookworm/InRelease").status == 200
    assert aptfreeze.lock_file.read_bytes() == before


def test_a_pin_whose_indexes_nobody_asks_is_committed_at_the_end(repository: Repository, aptfreeze: Aptfreeze) -> None:
    with aptfreeze.serve() as frozen:
        assert ask(frozen.proxy, f"{repository.url}/dists/bookworm/InRelease").status == 200
        assert aptfreeze.pins == {}
    assert len(aptfreeze.pins) == 1


# --- at once, and meanwhile ---


def test_two_runs_at_the_same_moment_in_a_fresh_environment(
    repository: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt, origin: Origin
) -> None:
    origin.inject("*/InRelease", Delay(0.1))
    clients = [make_apt(), make_apt()]
    started = []
    for client in clients:
        client.add(repository)
        line = aptfreeze.line("run", "--archive", str(aptfreeze.archive), "--", "sh", "-c", "apt-get update")
        started.append(
            subprocess.Popen(
                line, env=aptfreeze.environ | client.environ, cwd=aptfreeze.environment, stderr=subprocess.PIPE
            )
        )
    for process in started:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said.decode()

    assert len(aptfreeze.pins) == 1
    states = [{path.name: path.read_bytes() for path in client.lists.glob("*InRelease")} for client in clients]
    assert states[0] == states[1]


def test_a_lock_file_that_git_replaced_does_not_touch_a_running_session(
    repository: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt
) -> None:
    with aptfreeze.serve("--watch-pid", str(os.getpid())) as frozen:  # one session; without, it is one after another
        build(make_apt(proxy=frozen.proxy), repository)
        aptfreeze.wait_until_pinned()
        own = aptfreeze.lock["generation"]
        other = aptfreeze.beside("other")
        repository.add("hello", "2.0")
        repository.publish(keep_by_hash=True, keep_pool=True)
        with other.serve() as elsewhere:
            build(make_apt(proxy=elsewhere.proxy), repository)
        aptfreeze.lock_file.write_bytes(other.lock_file.read_bytes())

        assert list(build(make_apt(proxy=frozen.proxy), repository)) == ["hello_1.0_amd64.deb"]
    assert aptfreeze.lock["generation"] == other.lock["generation"] != own
    with aptfreeze.serve() as frozen:
        assert list(build(make_apt(proxy=frozen.proxy), repository)) == ["hello_2.0_amd64.deb"]


def test_a_lock_file_that_git_replaced_counts_for_the_next_build_through_a_long_lived_server(
    repository: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt
) -> None:
    with aptfreeze.serve() as frozen:
        build(make_apt(proxy=frozen.proxy), repository)
        aptfreeze.wait_until_pinned()
        other = aptfreeze.beside("other")
        repository.add("hello", "2.0")
        repository.publish(keep_by_hash=True, keep_pool=True)
        with other.serve() as elsewhere:
            build(make_apt(proxy=elsewhere.proxy), repository)
        aptfreeze.lock_file.write_bytes(other.lock_file.read_bytes())

        assert list(build(make_apt(proxy=frozen.proxy), repository)) == ["hello_2.0_amd64.deb"]


def test_a_run_that_only_waits_for_sources_ends_at_a_signal_with_the_status_of_its_command(
    repository: Repository, aptfreeze: Aptfreeze, apt: Apt, origin: Origin, tmp_path: Path
) -> None:
    repository.add_source("hello", "1.0")
    repository.publish()
    stall = Stall()
    origin.inject("*/source/*", stall)
    apt.add(repository)
    command = ["sh", "-c", f"apt-get update && touch {tmp_path / 'done'}; exit 7"]
    process = subprocess.Popen(
        aptfreeze.line("run", "--archive", str(aptfreeze.archive), "--", *command),
        env=aptfreeze.environ | apt.environ,
        cwd=aptfreeze.environment,
        stderr=subprocess.PIPE,
    )
    assert stall.reached.wait(20)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    assert eventually(lambda: (tmp_path / "done").exists() and not children.read_text())  # only it is left
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=20)
    stall.release()
    assert process.returncode == 7
    assert b"interrupted while it was fetched" in said
    assert len(aptfreeze.pins) == 1


def test_a_run_that_is_asked_to_end_in_mid_download_leaves_what_it_has_to_the_next_one(
    repository: Repository, aptfreeze: Aptfreeze, apt: Apt, origin: Origin
) -> None:
    repository.add("hello", "1.0", size=3_000_000)
    repository.publish()
    stall = Stall(1_000_000)
    origin.inject("*.deb", stall, times=1)
    apt.add(repository)
    command = ["sh", "-c", "apt-get update && exec apt-get install --download-only hello"]
    line = aptfreeze.line("run", "--archive", str(aptfreeze.archive), "--", *command)
    process = subprocess.Popen(
        line, env=aptfreeze.environ | apt.environ, cwd=aptfreeze.environment, stderr=subprocess.PIPE
    )
    assert stall.reached.wait(20)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    stall.release()
    assert process.returncode == 128 + signal.SIGTERM, said.decode()
    assert len(aptfreeze.pins) == 1
    every_object_verifies(aptfreeze.archive)

    origin.forget()
    apt.clear_archives()
    aptfreeze.run(command, env=apt.environ).ok()
    assert list(apt.fetched()) == ["hello_1.0_amd64.deb"]
    (resumed,) = [seen for seen in origin.requests if seen.path.endswith(".deb")]
    assert resumed.headers["range"].startswith("bytes=")
