# SPDX-License-Identifier: MIT
"""A `run` that is interrupted while it pins or downloads: what it leaves is sound, and the next one goes on with it."""

import hashlib
import json
import os
import random
import signal
import subprocess
import time
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze
from support.archive import every_object_verifies
from support.build import build
from support.faults import Delay, Stall
from support.origin import Origin
from support.repository import Repository
from support.starting import BUILD, UPDATE, Started, started


def status_of(product: Aptfreeze) -> Any:
    return json.loads(product.command("status", "--json", "--archive", str(product.archive)).ok().stdout)


def what_is_left_is_sound(product: Aptfreeze) -> None:
    if product.lock_file.exists():
        tomllib.loads(product.lock_file.read_text())
        assert status_of(product)["generation"] == product.lock["generation"]
    every_object_verifies(product.archive)
    assert all(json.loads(line) for record in records(product) for line in record.read_text().splitlines())


def records(product: Aptfreeze) -> Sequence[Path]:
    return sorted((product.environment / ".aptfreeze/records").rglob("*.jsonl"))


# --- at a random moment ---


@pytest.mark.parametrize(
    "kills", [4, pytest.param(300, marks=[pytest.mark.long, pytest.mark.timeout(2400)])], ids=["few", "hundreds"]
)
def test_a_run_that_is_killed_at_any_moment_leaves_what_the_next_one_goes_on_with(
    kills: int, repository: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt, origin: Origin
) -> None:
    repository.add("hello", "1.0", size=1_500_000)
    repository.add_source("hello", "1.0")
    repository.publish()
    origin.inject("*", Delay(0.02))
    chance = random.Random(kills)
    for number in range(kills):
        product, client = aptfreeze.beside(f"environment-{number}"), make_apt()
        product.archive = aptfreeze.root / f"archive-{number}"
        client.add(repository)
        with started(product, client) as run:
            killed_after(run, chance.uniform(0.1, 0.7))

        before = product.pins
        if (product.archive / "objects").exists():
            what_is_left_is_sound(product)
        client.clear_lists()
        product.run(BUILD, env=client.environ).ok()
        assert len(product.pins) == 1
        assert not before or product.pins == before
        assert status_of(product)["provisional"] == []
        every_object_verifies(product.archive)


def killed_after(run: Started, seconds: float) -> None:
    """kill -9 of aptfreeze alone; COMMAND and its apt go on without a proxy, and end by themselves."""
    with suppress(subprocess.TimeoutExpired):
        run.process.wait(seconds)
    run.process.kill()
    run.result()


# --- in the middle of an index ---


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("after", [None, 200_000], ids=["no byte came", "in the middle"])
def test_a_pin_whose_index_was_on_its_way_stays_provisional(
    repository: Repository, aptfreeze: Aptfreeze, apt: Apt, origin: Origin, number: signal.Signals, after: int | None
) -> None:
    noise = random.Random(0)
    for count in range(100):  # the index gets so large that it is sent before it is verified
        repository.add(f"noise-{count}", "1.0", Noise=noise.randbytes(15_000).hex())
    repository.publish()
    pinned = (repository.suite_folder / "InRelease").read_bytes()
    stall = Stall(after)
    origin.inject("*/binary-amd64/*", stall, times=1)
    apt.add(repository)
    with started(aptfreeze, apt, UPDATE) as run:
        assert stall.reached.wait(20)
        run.process.send_signal(number)
        ended = run.result(15)
    assert ended.returncode == 128 + number, str(ended)
    what_is_left_is_sound(aptfreeze)
    assert aptfreeze.pins == {}
    (left,) = status_of(aptfreeze)["provisional"]
    assert (left["suite"], left["liveness"]) == ("bookworm", "ended")

    repository.add("hello", "2.0")
    repository.publish(keep_by_hash=True, keep_pool=True)
    aptfreeze.run(BUILD, env=apt.environ).ok()
    assert list(apt.fetched()) == ["hello_1.0_amd64.deb"]
    (pin,) = aptfreeze.pins.values()
    assert pin["inrelease"] == f"sha256:{hashlib.sha256(pinned).hexdigest()}"


# --- in the middle of a package ---


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=["Ctrl-C", "SIGHUP"])
def test_a_package_that_was_on_its_way_is_resumed(
    repository: Repository, aptfreeze: Aptfreeze, apt: Apt, origin: Origin, number: signal.Signals
) -> None:
    hello = repository.add("hello", "1.0", size=3_000_000).sha256
    repository.publish()
    stall = Stall(1_000_000)
    origin.inject("*.deb", stall, times=1)
    apt.add(repository)
    with started(aptfreeze, apt) as run:
        assert stall.reached.wait(20)
        os.killpg(run.process.pid, number)  # as a terminal does it: to everybody in the foreground
        ended = run.result(15)
    assert ended.returncode == 128 + number, str(ended)
    what_is_left_is_sound(aptfreeze)
    assert len(aptfreeze.pins) == 1

    origin.forget()
    apt.clear_archives()
    aptfreeze.run(BUILD, env=apt.environ).ok()
    assert apt.fetched() == {"hello_1.0_amd64.deb": hello}
    (resumed,) = origin.requests
    assert resumed.headers["range"].startswith("bytes=")


def test_a_server_that_is_asked_to_end_does_not_wait_for_a_silent_mirror(
    repository: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt, origin: Origin
) -> None:
    hello = repository.add("hello", "1.0", size=3_000_000).sha256
    repository.publish()
    stall = Stall(2_000_000)
    origin.inject("*.deb", stall, times=1)
    with aptfreeze.serve() as frozen, ThreadPoolExecutor() as threads:
        client = make_apt(proxy=frozen.proxy)
        client.set("Acquire::Retries", "0")
        client.add(repository)
        client.update().ok()
        install = threads.submit(client.install, "hello")
        assert stall.reached.wait(20)
        asked_at = time.monotonic()
        assert frozen.stop() == 0
        assert time.monotonic() - asked_at < 10  # it gives clients a moment
        install.result(60).fails(100)
    what_is_left_is_sound(aptfreeze)

    origin.forget()
    with aptfreeze.serve() as frozen:
        assert build(make_apt(proxy=frozen.proxy), repository) == {"hello_1.0_amd64.deb": hello}
    (resumed,) = origin.requests
    assert resumed.headers["range"].startswith("bytes=")


# --- by something else ---


def test_a_lock_file_that_was_damaged_meanwhile_makes_the_run_not_count(
    repository: Repository, aptfreeze: Aptfreeze, apt: Apt
) -> None:
    apt.add(repository)
    damage = ["sh", "-c", f"echo '<<<<<<< ours' > {aptfreeze.lock_file}; apt-get update; true"]

    failed = aptfreeze.run(damage, env=apt.environ).fails(125)

    assert "aptfreeze.lock" in failed.said_by("aptfreeze")
    assert "merge" in failed.said_by("aptfreeze")
    assert aptfreeze.lock_file.read_text() == "<<<<<<< ours\n"  # it is the user's to repair
