# SPDX-License-Identifier: MIT
"""Who needs what is in an archive."""

import shutil
from pathlib import Path

import pytest

from aptfreeze.archive.layout import Layout, prepare
from aptfreeze.environment import transitions
from aptfreeze.environment.known import Knowing
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.tenants import tenant, tenants
from support.environments import MAIN, SECURITY, open_in, pin, with_pins


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return prepare(tmp_path / "archive", read_only=False)


def known(layout: Layout, opened: Opened) -> None:
    knowing = Knowing(layout, opened.environment)
    knowing.note()
    knowing.close()


def test_an_environment_with_all_its_generations_and_pins_in_work(tmp_path: Path) -> None:
    opened = open_in(tmp_path)
    first = with_pins(opened, {MAIN: pin(1)})
    second = transitions.reset(opened.store, first, None)
    opened.store.add_provisional(second.id, SECURITY, pin(2))

    found = tenant(opened.environment)

    assert (found.name, found.has_current, found.environment) == (str(tmp_path), True, opened.environment)
    assert [(each.id, dict(each.pins)) for each in found.generations] == [
        (second.id, {SECURITY: pin(2)}),
        (first.id, {MAIN: pin(1)}),
    ]


def test_a_folder_that_is_no_environment_needs_nothing(tmp_path: Path, layout: Layout) -> None:
    [found] = tenants(layout, open_in(tmp_path / "empty").environment)

    assert (found.generations, found.has_current) == ((), False)


def test_a_lock_file_that_cannot_be_read_hides_only_itself(tmp_path: Path) -> None:
    opened = open_in(tmp_path)
    first = with_pins(opened, {MAIN: pin(1)})
    opened.environment.lock_file.write_text("<<<<<<< ours")

    found = tenant(opened.environment)

    assert ([each.id for each in found.generations], found.has_current) == ([first.id], False)


def test_those_that_the_archive_knows(tmp_path: Path, layout: Layout) -> None:
    own, other, gone, replaced = (open_in(tmp_path / name) for name in ("own", "other", "gone", "replaced"))
    for number, each in enumerate((own, other, gone, replaced)):
        with_pins(each, {MAIN: pin(number + 1)})
        known(layout, each)
    shutil.rmtree(gone.environment.root)
    replaced.environment.root.rename(tmp_path / "elsewhere")
    replaced.environment.root.mkdir()

    found = tenants(layout, own.environment)

    assert found[0].name == str(own.environment.root)
    assert {each.name.rpartition(":")[2]: (each.environment is not None, each.has_current) for each in found} == {
        str(own.environment.root): (True, True),
        str(other.environment.root): (True, True),
        str(gone.environment.root): (False, False),
        str(replaced.environment.root): (False, False),
    }
    assert sorted(str(each.generations[0].pins[MAIN]) for each in found) == sorted(str(pin(n)) for n in (1, 2, 3, 4))
    assert all(len(each.generations) == 1 for each in found)


def test_a_damaged_copy_hides_only_itself(tmp_path: Path, layout: Layout) -> None:
    own, gone = open_in(tmp_path / "own"), open_in(tmp_path / "gone")
    with_pins(gone, {MAIN: pin(1)})
    known(layout, gone)
    shutil.rmtree(gone.environment.root)
    for copy in layout.root.glob("environments/*/*.lock"):
        copy.write_text("torn")

    assert [each.generations for each in tenants(layout, own.environment)] == [(), ()]


def test_an_archive_that_knows_nobody_yet(tmp_path: Path, layout: Layout) -> None:
    (layout.root / "environments").rmdir()

    assert len(tenants(layout, open_in(tmp_path / "own").environment)) == 1
