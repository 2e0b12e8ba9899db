# SPDX-License-Identifier: MIT
"""`aptfreeze merge`: lock files of two git branches to one.

Rule 1: nothing is written in place of conflict markers while a conflict is left.
Rule 2: git must see a conflict as one. As its merge driver, what we cannot merge is left with markers in it: a file
that looks finished would be committed without the other side.
Rule 3: without the state that both sides come from, which is a loss (nothing counts as removed), they are merged all
the same, and it is told.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from aptfreeze.describe.merges import Outcome
from aptfreeze.environment import files, generations, git
from aptfreeze.environment.folder import LOCK_FILE
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import UsageError
from aptfreeze.freeze.conflict import Sides, marked, marked_whole, take_apart
from aptfreeze.freeze.generation import Generation
from aptfreeze.freeze.lockfile import dump, parse
from aptfreeze.freeze.merge import Merged, Side, merge
from aptfreeze.freeze.moves import Identity
from aptfreeze.values import immutable


def resolve(opened: Opened, choice: Side | None) -> Outcome:
    """Merge the sides of a lock file with conflict markers, and write it unless it is Conflicted.

    UsageError if it is no good otherwise, RefusedError if it must not be written.
    """
    store, path = opened.store, opened.environment.lock_file
    if _sides(path) is None:
        return Outcome(str(path), store.load(), {}, choice)
    store.refuse_if_locked(f"{path} holds an unfinished git merge")
    with store.exclusive():
        if (sides := _sides(path)) is None:
            return Outcome(str(path), store.settled(), {}, choice)  # another command was faster
        ours = parse(sides.ours, f"{path}, the side of ours ({sides.ours_name})")
        theirs = parse(sides.theirs, f"{path}, the side of theirs ({sides.theirs_name})")
        base, notes = _base(_base_of(sides, path))
        result = merge(base, ours, theirs, new=_identity(opened, ours, theirs), choice=choice)
        if isinstance(result, Merged):
            generations.write_lock(opened.environment, result.generation)
            # A state that this environment knows otherwise by that id gets another one.
            result = Merged(store.settled(), result.changes, result.decided)
        names = {Side.OURS: sides.ours_name, Side.THEIRS: sides.theirs_name}
        return Outcome(str(path), result, names, choice, notes)


def _sides(path: Path) -> Sides | None:
    data = files.read(path)
    return None if data is None else take_apart(generations.text_of(data, str(path)), str(path))


def _base_of(sides: Sides, path: Path) -> bytes | None:
    # git's own goes first: what it has merged outside the markers, an id perhaps, is in the text of the base as well.
    known = git.merge_base(Path(os.path.realpath(path)))
    return sides.base.encode() if known is None and sides.base is not None else known


def _base(data: bytes | None) -> tuple[Generation | None, tuple[str, ...]]:
    """The state that both sides come from, and what is to be told of it; an empty file is git's word for none."""
    try:
        return (generations.decoded(data, "what both sides come from") if data else None), ()
    except UsageError as error:
        return None, (f"merged without a common state, so that nothing counts as removed: {error.message}",)


def _identity(opened: Opened, *sides: Generation) -> Identity:
    """Younger than both sides, also where the clock is behind."""
    now = opened.store.journal.clock().replace(microsecond=0)
    return Identity(generations.new_id(), max(now, *(side.created + timedelta(seconds=1) for side in sides)))


def merge_files(opened: Opened, base: Path, ours: Path, theirs: Path, choice: Side | None) -> Outcome:
    """As git's merge driver: put the result of three files into that of ours, with markers where it is Conflicted.

    UsageError for a side that is no good; then both stand in the file of ours as a whole, between markers.
    """
    data = {path: _required(path) for path in (base, ours, theirs)}
    try:
        mine = generations.decoded(data[ours], f"{ours}, the side of ours")
        other = generations.decoded(data[theirs], f"{theirs}, the side of theirs")
    except UsageError:
        files.deliver(ours, marked_whole(data[ours], data[theirs]))
        raise
    origin, notes = _base(data[base])
    result = merge(origin, mine, other, new=_identity(opened, mine, other), choice=choice)
    if isinstance(result, Merged):
        generations.write(ours, result.generation)
    else:
        text = marked(dump(result.ours), dump(result.theirs), None if result.base is None else dump(result.base))
        files.deliver(ours, text.encode())
    return Outcome(_name(ours), result, {}, choice, notes)


def _required(path: Path) -> bytes:
    data = files.read(path)
    if data is None:
        raise UsageError(f"{path} does not exist", hint="aptfreeze merge BASE OURS THEIRS takes three files")
    return data


def _name(path: Path) -> str:
    """git names what it merges itself, and its temporary files tell nobody anything."""
    return LOCK_FILE if path.name.startswith(".merge_file_") else str(path)


def refusal(outcome: Outcome) -> UsageError:
    """What is raised where conflicts are left."""
    count = len(outcome.conflicts)
    what = "this conflict is" if count == 1 else f"these {count} conflicts are"
    return UsageError(
        f"{outcome.file} is not merged: {what} yours to decide",
        hint='"aptfreeze merge --ours", or "--theirs", decides all of them for that side; or keep the line that you '
        "want of some, without its markers, and run it again",
    )


_DRIVER = b"aptfreeze"
_ATTRIBUTE = f"{LOCK_FILE} merge=aptfreeze"


# Where aptfreeze does not even start (another PATH, a setting that is no good) git merges the text, as without a
# driver: else the file of ours would be left as it is, and look finished.
_ELSE_AS_TEXT = "%O %A %B || { ! grep -q '^<<<<<<< ' %A && git merge-file -q -L ours -L base -L theirs %A %O %B; }"


@immutable
class Installed:
    """A git repository that merges lock files by key."""

    driver: str
    """The command line that git calls; `%O %A %B` are the files."""
    attributes: Path
    """The file that names the lock file's driver; it belongs into git."""
    changed: tuple[str, ...]
    """What was not so before: names of git's configuration, and that file."""

    def lines(self) -> Iterator[str]:
        for what in self.changed:
            yield f"wrote {what}"
        if not self.changed:
            yield "nothing to do: git merges aptfreeze.lock by key already"
        elif str(self.attributes) in self.changed:
            yield f"commit {self.attributes}; every other clone needs one aptfreeze merge --install"

    def data(self) -> dict[str, Any]:
        return {"driver": self.driver, "attributes": str(self.attributes), "changed": list(self.changed)}


def install(opened: Opened) -> Installed:
    """Make git call `merge_files` for lock files; UsageError outside of a git work tree, and without git."""
    folder = opened.environment.root
    attributes = Path(os.fsdecode(_git(folder, "rev-parse", "--show-toplevel")), ".gitattributes")
    driver = f"{_program()} merge {_ELSE_AS_TEXT}"
    changed = []
    for key, value in (("merge.aptfreeze.name", "lock files of aptfreeze, by key"), ("merge.aptfreeze.driver", driver)):
        if git.ask(folder, "config", "--local", "--get", key)[0] != f"{value}\n".encode():
            _git(folder, "config", "--local", key, value)
            changed.append(key)
    if _merge_attribute(folder) != _DRIVER:
        _add_attribute(folder, attributes)
        changed.append(str(attributes))
    return Installed(driver, attributes, tuple(changed))


def _add_attribute(folder: Path, attributes: Path) -> None:
    before = files.read(attributes) or b""
    end = b"\n" if before and not before.endswith(b"\n") else b""
    files.deliver(attributes, before + end + f"{_ATTRIBUTE}\n".encode())
    if (found := _merge_attribute(folder)) != _DRIVER:
        raise UsageError(
            f'{attributes} says now "{_ATTRIBUTE}", and another file of git overrides it by merge={os.fsdecode(found)}',
            hint=f"remove that: it is in .git/info/attributes, or in a .gitattributes between there and {folder}",
        )


def _program() -> str:
    """How git's shell can start this aptfreeze."""
    return "aptfreeze" if shutil.which("aptfreeze") else f"{shlex.quote(sys.executable)} -m aptfreeze"


def _merge_attribute(folder: Path) -> bytes:
    # -z: the path, the attribute and its value, each ended by a zero
    return _git(folder, "check-attr", "-z", "merge", "--", LOCK_FILE).split(b"\0")[2]


def _git(folder: Path, *arguments: str) -> bytes:
    output, reason = git.ask(folder, *arguments)
    if output is None:
        raise UsageError(
            f"git cannot be told to merge lock files in {folder}: {reason}",
            hint="install git, and run it in a checkout; --env names another folder",
        )
    return output.removesuffix(b"\n")
