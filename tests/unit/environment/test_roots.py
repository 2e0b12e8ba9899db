# SPDX-License-Identifier: MIT
"""What the environments that an archive knows need."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aptfreeze.archive.layout import Layout, prepare
from aptfreeze.archive.registry import Place, Registry
from aptfreeze.environment import transitions
from aptfreeze.environment.known import Knowing, place_of
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.outside import OutsideSource, OutsideSources
from aptfreeze.environment.roots import Root, known_roots
from aptfreeze.errors import UsageError
from aptfreeze.freeze.digest import Digest
from aptfreeze.settings import GcSettings
from support.environments import MAIN, SECURITY, open_in, pin, with_pins
from support.users import acting_as, folder_of, only_root

NOW = datetime.now(UTC)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return prepare(tmp_path / "archive", read_only=False)


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    opened = open_in(tmp_path / "product")
    with_pins(opened, {MAIN: pin(1)})
    return opened


def note(layout: Layout, opened: Opened) -> None:
    knowing = Knowing(layout, opened.environment)
    knowing.note()
    knowing.close()


def days(opened: Opened, layout: Layout, *numbers: int) -> None:
    """The suite moves to these days' states, and each is noted."""
    for number in numbers:
        transitions.update(opened.store, opened.store.load(), {MAIN: pin(number)}, {})
        note(layout, opened)


def the_root(layout: Layout, keep: int = 5, now: datetime = NOW) -> Root:
    [root] = known_roots(Registry(layout), GcSettings(keep_generations=keep), now)
    return root


def pinned(root: Root) -> list[set[Digest]]:
    """The pinned files of each generation, in order."""
    return [{each.root.inrelease for each in one.pins.values()} for one in root.generations]  # type: ignore[union-attr]


def of_days(*numbers: int) -> list[set[Digest]]:
    return [{Digest.of(str(number).encode())} for number in numbers]


def test_a_folder_that_can_be_read_tells_its_own_truth(opened: Opened, layout: Layout) -> None:
    note(layout, opened)
    transitions.update(opened.store, opened.store.load(), {MAIN: pin(2)}, {})
    root = the_root(layout)
    assert (root.name, root.is_seen) == (str(place_of(opened.environment)), True)
    assert pinned(root) == of_days(2, 1)
    assert root.superseded == frozenset()


def test_so_many_of_its_generations_are_kept(opened: Opened, layout: Layout) -> None:
    days(opened, layout, 2, 3, 4)
    root = the_root(layout, keep=2)
    assert pinned(root) == of_days(4, 3)
    assert len(root.superseded) == 2


def test_the_state_that_was_gone_back_to_is_the_current_one(opened: Opened, layout: Layout) -> None:
    days(opened, layout, 2)
    transitions.rollback(opened.store, opened.store.load(), transitions.previous(opened.store, opened.store.load()))
    note(layout, opened)
    assert pinned(the_root(layout, keep=1)) == of_days(1)
    shutil.rmtree(opened.environment.root)
    assert pinned(the_root(layout, keep=1)) == of_days(1)


def test_provisional_pins_are_needed(opened: Opened, layout: Layout) -> None:
    note(layout, opened)
    opened.store.add_provisional(opened.store.load().id, SECURITY, pin(7))
    assert pinned(the_root(layout, keep=1)) == of_days(1, 7)


def test_a_lock_file_that_git_changed_counts_with_what_was_known(opened: Opened, layout: Layout) -> None:
    note(layout, opened)
    text = opened.environment.lock_file.read_text()
    [before], [after] = of_days(1), of_days(9)
    opened.environment.lock_file.write_text(text.replace(str(next(iter(before))), str(next(iter(after)))))
    assert sorted(map(sorted, pinned(the_root(layout, keep=1)))) == sorted(map(sorted, of_days(1, 9)))


def test_records_of_kept_generations_are_needed(opened: Opened, layout: Layout) -> None:
    days(opened, layout, 2)
    current, earlier = (each.id for each in the_root(layout).generations)
    for number, identity in enumerate((current, earlier)):
        path = opened.environment.records / identity / "session.jsonl"
        path.parent.mkdir(parents=True)
        line = f'{{"package":{{"name":"x","sha256":"{Digest.of(bytes([number]))}"}}}}\n'
        path.write_text(line + '{"package":{"sha256":"sha256:12\n{"package":{"sha256":"sha256:zz"}}\n')
    assert list(the_root(layout, keep=1).served()) == [Digest.of(b"\0")]
    assert sorted(the_root(layout).served()) == sorted([Digest.of(b"\0"), Digest.of(b"\1")])


def test_descriptions_from_a_snapshot_service_are_needed(opened: Opened, layout: Layout) -> None:
    days(opened, layout, 2)
    dsc = Digest.of(b"a description")
    remembered = OutsideSources(opened.environment.outside)
    remembered.remember(OutsideSource("hello", "1.0", dsc, "http://snapshot.example.org/archive/debian"))

    assert the_root(layout).outside == (dsc,)


def test_what_the_archive_has_copied_stands_for_a_folder_that_is_gone(opened: Opened, layout: Layout) -> None:
    days(opened, layout, 2, 3, 4)
    shutil.rmtree(opened.environment.root)
    root = the_root(layout, keep=3)
    assert not root.is_seen
    assert pinned(root)[0] == of_days(4)[0]
    assert len(root.generations) == 3
    assert len(root.superseded) == 0


def test_copies_of_one_generation_that_grew_count_as_one(opened: Opened, layout: Layout) -> None:
    note(layout, opened)
    with_pins(opened, {SECURITY: pin(3)})
    note(layout, opened)
    shutil.rmtree(opened.environment.root)
    assert len(the_root(layout, keep=1).generations) == 2


def test_another_folder_at_the_same_path_does_not_speak_for_the_first(opened: Opened, layout: Layout) -> None:
    note(layout, opened)
    opened.environment.root.rename(opened.environment.root.with_name("away"))
    with_pins(open_in(opened.environment.root), {MAIN: pin(8)})
    assert pinned(the_root(layout)) == of_days(8, 1)


def test_a_folder_of_another_machine_is_not_looked_for_here(opened: Opened, layout: Layout) -> None:
    lock = opened.environment.lock_file.read_bytes()
    Registry(layout).note(Place("elsewhere", str(opened.environment.root), (0, 0)), lock).close()
    transitions.update(opened.store, opened.store.load(), {MAIN: pin(2)}, {})
    root = the_root(layout)
    assert (pinned(root), root.is_seen) == (of_days(1), False)


def test_the_same_folder_under_another_name_of_the_machine_is_looked_at(opened: Opened, layout: Layout) -> None:
    here = place_of(opened.environment)
    Registry(layout).note(Place("container", here.path, here.folder), opened.environment.lock_file.read_bytes())
    transitions.update(opened.store, opened.store.load(), {MAIN: pin(2)}, {})
    root = the_root(layout)
    assert (pinned(root)[0], root.is_seen) == (of_days(2)[0], True)


def test_a_folder_that_is_no_environment_any_more_counts_as_gone(opened: Opened, layout: Layout) -> None:
    note(layout, opened)
    shutil.rmtree(opened.environment.root)
    opened.environment.root.mkdir()
    assert not the_root(layout).is_seen
    assert the_root(layout, now=NOW + timedelta(days=31)).generations == ()


def test_what_a_process_works_with_is_needed_however_old_it_is(opened: Opened, layout: Layout) -> None:
    knowing = Knowing(layout, opened.environment)
    knowing.note()
    identity = opened.store.load().id
    days(opened, layout, 2)
    opened.store.add_provisional(identity, SECURITY, pin(5))
    opened.store.commit(identity, {SECURITY: pin(5)})  # into its own generation, and the current one
    needed = pinned(the_root(layout, keep=1))
    assert of_days(1)[0] in needed
    assert of_days(1)[0] | of_days(5)[0] in needed
    shutil.rmtree(opened.environment.root)
    gone = the_root(layout, now=NOW + timedelta(days=99))
    assert pinned(gone) == of_days(1)
    knowing.close()
    assert the_root(layout, now=NOW + timedelta(days=99)).generations == ()


@only_root
def test_a_folder_that_may_not_be_read_is_there_and_known_from_the_archive(layout: Layout) -> None:
    with folder_of(4001) as folder:
        opened = open_in(folder / "product")
        with_pins(opened, {MAIN: pin(1)})
        note(layout, opened)
        opened.environment.state.chmod(0o700)
        os.chown(opened.environment.state, 4001, 4001)
        for path in (layout.root, *layout.root.parents):
            path.chmod(path.stat().st_mode | 0o055)
        with acting_as(4002):
            root = the_root(layout, now=NOW + timedelta(days=99))
        assert (pinned(root), root.is_seen) == (of_days(1), True)


def test_a_lock_file_that_is_no_good_is_an_error_that_names_it(opened: Opened, layout: Layout) -> None:
    note(layout, opened)
    opened.environment.lock_file.write_text("version = ")
    with pytest.raises(UsageError, match=r"needs cannot be told, so nothing was removed: .*aptfreeze.lock is not"):
        the_root(layout)


def test_a_copy_that_is_no_good_is_one_too(opened: Opened, layout: Layout) -> None:
    Registry(layout).note(Place("elsewhere", "/x", (0, 0)), b"version = ").close()
    with pytest.raises(UsageError, match="elsewhere:/x needs cannot be told"):
        the_root(layout)


def test_a_record_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "record").mkdir()
    with pytest.raises(UsageError, match=r"cannot read .*record"):
        list(Root("x", (), (tmp_path / "record",)).served())
    assert list(Root("x", (), (tmp_path / "gone",)).served()) == []
