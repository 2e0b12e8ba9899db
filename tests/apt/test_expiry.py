# SPDX-License-Identifier: MIT
"""Time matters once, when a suite is pinned; from then on never."""

import shutil
from datetime import UTC, datetime, timedelta

import pytest

from support import clock
from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze
from support.build import build
from support.origin import Origin
from support.repository import Repository
from support.signing import SigningKey

WEEK = timedelta(days=7)
BUILD = ["sh", "-c", "apt-get update && apt-get install --download-only hello"]


def test_a_replayed_expired_release_is_not_pinned(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    repository.publish(date=datetime.now(UTC) - 2 * WEEK, valid_for=WEEK)
    apt.add(repository)

    failed = aptfreeze.run(BUILD, env=apt.environ).fails()

    assert "expired" in failed.said_by("aptfreeze")
    assert f"{origin.host}/debian bookworm" in failed.said_by("aptfreeze")
    assert aptfreeze.pins == {}


def test_a_release_from_the_future_is_not_pinned(repository: Repository, apt: Apt, aptfreeze: Aptfreeze) -> None:
    repository.publish(date=datetime.now(UTC) + WEEK)
    apt.add(repository)

    failed = aptfreeze.run(BUILD, env=apt.environ).fails()

    assert "future" in failed.said_by("aptfreeze")
    assert aptfreeze.pins == {}


def test_an_expired_release_is_pinned_when_the_configuration_says_so(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    repository.publish(date=datetime.now(UTC) - 2 * WEEK, valid_for=WEEK)
    apt.add(repository)
    aptfreeze.configure(f'expired = ["{origin.host}/debian bookworm"]')

    aptfreeze.run(BUILD, env=apt.environ).ok()

    assert list(apt.fetched()) == ["hello_1.0_amd64.deb"]


@pytest.mark.parametrize("days", [+30, -30], ids=["a month later", "a clock that is behind"])
def test_after_pinning_the_clock_does_not_matter(
    repository: Repository, make_apt: MakeApt, aptfreeze: Aptfreeze, origin: Origin, days: int
) -> None:
    if days < 0 and shutil.which("sqv"):
        pytest.skip("apt 3 asks sqv, which refuses a signature from the future whatever apt is told about dates")
    repository.publish(valid_for=WEEK)
    with aptfreeze.serve() as frozen:
        build(make_apt(proxy=frozen.proxy), repository)
    origin.stop()
    client = make_apt()
    client.add(repository)

    aptfreeze.run(clock.days_ahead(days, BUILD), "--offline", env=client.environ).ok()

    assert list(client.fetched()) == ["hello_1.0_amd64.deb"]


def test_without_run_apt_minds_an_expired_suite(
    repository: Repository, make_apt: MakeApt, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    repository.publish(date=datetime.now(UTC) - 2 * WEEK, valid_for=WEEK)
    aptfreeze.configure(f'expired = ["{origin.host}/debian bookworm"]')
    with aptfreeze.serve() as frozen:
        client = make_apt(proxy=frozen.proxy)
        client.add(repository)

        # the reason why `run` gives apt its settings
        assert "is expired" in client.update().fails(100).output


@pytest.mark.parametrize("allowed", [False, True], ids=["refused", "allowed"])
def test_an_unsigned_repository(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze, origin: Origin, allowed: bool
) -> None:
    repository.key = None
    repository.publish()
    apt.add(repository, trusted="yes")
    if allowed:
        aptfreeze.configure(f'unsigned = ["{origin.host}/debian bookworm"]')

    done = aptfreeze.run(BUILD, env=apt.environ)

    if allowed:
        done.ok()
        assert aptfreeze.pins[f"{origin.host}/debian bookworm"]["signers"] == []
    else:
        assert "unsigned" in done.fails().said_by("aptfreeze")
        assert aptfreeze.pins == {}


def test_a_stranger_is_not_trusted(
    repository: Repository, apt: Apt, aptfreeze: Aptfreeze, stranger_key: SigningKey
) -> None:
    repository.key = stranger_key
    repository.publish()
    apt.add(repository)

    failed = aptfreeze.run(BUILD, env=apt.environ).fails()

    assert stranger_key.fingerprint[-16:] in failed.said_by("aptfreeze")
    assert aptfreeze.pins == {}
