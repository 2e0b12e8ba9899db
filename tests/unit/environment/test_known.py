# SPDX-License-Identifier: MIT
"""That an archive knows the environments it is opened for."""

import logging
import os
from pathlib import Path

import pytest

from aptfreeze.archive.layout import Layout
from aptfreeze.archive.registry import Registry
from aptfreeze.environment import transitions
from aptfreeze.environment.known import open_archive_for, place_of
from aptfreeze.environment.opened import Opened
from support.environments import MAIN, SECURITY, open_in, pin, with_pins


def noted(opened: Opened) -> list[tuple[bytes, bool]]:
    """The copies of the one environment that the archive knows, and whether each is held."""
    registry = Registry(Layout(opened.settings.archive.path))
    [entry] = registry.entries()
    assert entry.place == place_of(opened.environment)
    return [(copy.data, copy.is_held) for copy in registry.copies(entry)]


def test_the_lock_file_is_known_and_held_while_the_archive_is_open(tmp_path: Path) -> None:
    opened = open_in(tmp_path)
    with_pins(opened, {MAIN: pin(1)})
    lock = opened.environment.lock_file.read_bytes()
    with open_archive_for(opened.store, opened.settings):
        assert noted(opened) == [(lock, True)]
    assert noted(opened) == [(lock, False)]


def test_what_is_pinned_meanwhile_is_known_at_once(tmp_path: Path) -> None:
    opened = open_in(tmp_path)
    generation = with_pins(opened, {MAIN: pin(1)})
    before = opened.environment.lock_file.read_bytes()
    with open_archive_for(opened.store, opened.settings):
        opened.store.add_provisional(generation.id, SECURITY, pin(2))
        opened.store.commit(generation.id, {SECURITY: pin(2)})
        after = opened.environment.lock_file.read_bytes()
        assert sorted(noted(opened)) == sorted([(before, True), (after, True)])
        transitions.reset(opened.store, opened.store.load(), None)
        assert (opened.environment.lock_file.read_bytes(), True) in noted(opened)


def test_what_somebody_else_wrote_is_known_at_the_end(tmp_path: Path) -> None:
    opened = open_in(tmp_path)
    with_pins(opened, {MAIN: pin(1)})
    with open_archive_for(opened.store, opened.settings):
        with_pins(open_in(tmp_path), {SECURITY: pin(1)})
        assert len(noted(opened)) == 1
    assert (opened.environment.lock_file.read_bytes(), False) in noted(opened)


def test_a_folder_without_a_lock_file_is_not_known(tmp_path: Path) -> None:
    opened = open_in(tmp_path)
    with open_archive_for(opened.store, opened.settings) as archive:
        assert Registry(archive.objects.layout).entries() == []


def test_what_cannot_be_noted_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    opened = open_in(tmp_path)
    with_pins(opened, {MAIN: pin(1)})
    with open_archive_for(opened.store, opened.settings) as archive:
        layout = archive.objects.layout
        Registry(layout).entries()
    for folder in layout.environments.iterdir():
        os.rename(folder, tmp_path / "away")  # noqa: PTH104
        folder.write_bytes(b"")  # a file where a folder belongs
    with caplog.at_level(logging.WARNING), open_archive_for(opened.store, opened.settings):
        pass
    assert "the archive does not know of" in caplog.text
