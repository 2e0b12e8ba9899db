# SPDX-License-Identifier: MIT
"""What is asked by https stays so."""

import logging
from pathlib import Path

import pytest

from aptfreeze.environment.folder import Environment
from aptfreeze.environment.process import Process
from aptfreeze.environment.secure import schemes
from aptfreeze.environment.store import EnvironmentStore

HOST = "mirror.example.org"


@pytest.fixture
def store(tmp_path: Path) -> EnvironmentStore:
    store = EnvironmentStore(Environment(tmp_path), Process.current("test"))
    store.init()
    return store


def test_it_is_remembered_for_the_next_process(store: EnvironmentStore) -> None:
    first = schemes(store)
    first.asked_by_https(HOST)
    first.asked_by_https("mistake.example.org")
    first.answered(HOST)

    again = schemes(store)

    assert (again.of(HOST), again.of("mistake.example.org")) == ("https", "http")


def test_a_torn_or_strange_line_is_passed_over(store: EnvironmentStore) -> None:
    store.environment.secure.write_bytes(b'{"host": 1}\n{"ho\n{"host": "mirror.example.org"}\n{}\n')
    assert schemes(store).of(HOST) == "https"


def test_a_read_only_environment_knows_and_learns_nothing(store: EnvironmentStore) -> None:
    store.environment.secure.write_bytes(b'{"host": "mirror.example.org"}\n')
    store.is_read_only = True
    known = schemes(store)
    known.asked_by_https("other.example.org")
    known.answered("other.example.org")
    assert (known.of(HOST), store.environment.secure.read_bytes().count(b"\n")) == ("https", 1)


def test_what_cannot_be_written_is_told_and_holds_for_this_process(
    store: EnvironmentStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.environment.secure.symlink_to("elsewhere")
    known = schemes(store)
    known.asked_by_https(HOST)
    with caplog.at_level(logging.WARNING):
        known.answered(HOST)
    assert "the next command will not know" in caplog.text
    assert known.of(HOST) == "https"
