# SPDX-License-Identifier: MIT
"""This machine with one more user, `builder`, seen from a private mount namespace: nothing of it stays.

Only root can make it. `/etc/passwd`, `/etc/group`, `/etc/subuid` and `/etc/subgid` are others in there, and the Python
that runs the tests can be reached by every user, also if it lies in a closed folder such as root's home.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from support.users import folder_of

NUMBER = 4242
NAME = "builder"
_FIRST, _COUNT = 200_000, 65_536
_ROOT = Path(__file__).resolve().parents[2]


class Machine:
    """`folder` is the builder's home."""

    def __init__(self, folder: Path, *, has_ranges: bool) -> None:
        self.folder = folder
        self._etc = folder / "etc"
        self._etc.mkdir()
        self._write("passwd", f"{NAME}:x:{NUMBER}:{NUMBER}::{folder}:/bin/sh\n")
        self._write("group", f"{NAME}:x:{NUMBER}:\n{NAME}s:x:{NUMBER + 1}:{NAME}\n")
        for name in ("subuid", "subgid"):
            (self._etc / name).write_text(f"{NAME}:{_FIRST}:{_COUNT}\n" if has_ranges else "")

    def line(self, command: Sequence[str], *, as_root: bool = False, chrooted: bool = False) -> list[str]:
        """The command line that runs COMMAND there, as the builder, or as root; one process from begin to end."""
        become = [] if as_root else ["setpriv", f"--reuid={NUMBER}", f"--regid={NUMBER}", "--init-groups"]
        enter = ["chroot", str(self.folder / "root")] if chrooted else []
        script = "\n".join(["set -e", *self._mounts(chrooted), 'exec "$@"'])
        return ["unshare", "--mount", "sh", "-c", script, "sh", *enter, *become, *command]

    def give(self) -> None:
        """All that is in the home belongs to the builder from now on, and everybody may read it."""
        for path in self.folder.rglob("*"):
            os.chown(path, NUMBER, NUMBER, follow_symlinks=False)

    def _write(self, name: str, more: str) -> None:
        (self._etc / name).write_text(Path("/etc", name).read_text() + more)

    def _mounts(self, chrooted: bool) -> Iterator[str]:
        hold, root = self.folder / "hold", self.folder / "root"
        hold.mkdir(exist_ok=True)
        root.mkdir(exist_ok=True)
        yield from (f"mount --bind {self._etc}/{name} /etc/{name}" for name in ("passwd", "group", "subuid", "subgid"))
        needed = {Path(each).resolve() for each in (sys.base_prefix, sys.prefix, _ROOT)}
        for closed in sorted({_closed(path) for path in needed} - {None}, key=str):
            yield from _opened(str(closed), sorted(path for path in needed if _closed(path) == closed), hold)
        if chrooted:
            yield f"mount --rbind / {root}"


def _closed(path: Path) -> Path | None:
    """The first folder on the way that other users cannot pass."""
    return next((each for each in reversed(path.parents) if not each.stat().st_mode & 0o001), None)


def _opened(closed: str, needed: Iterable[Path], hold: Path) -> Iterator[str]:
    """An open folder in its place, in which there is only what is needed."""
    kept = [(path, hold / str(number)) for number, path in enumerate(needed)]
    yield from (f"mkdir -p {place} && mount --bind {path} {place}" for path, place in kept)
    yield f"mount -t tmpfs -o mode=755 tmpfs {closed}"
    yield from (f"mkdir -p {path} && mount --bind {place} {path}" for path, place in kept)


@contextmanager
def machine_with_a_builder(*, has_ranges: bool) -> Iterator[Machine]:
    """The machine, with an empty home."""
    with folder_of(NUMBER) as folder:
        yield Machine(folder, has_ranges=has_ranges)
