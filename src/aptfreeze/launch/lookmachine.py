# SPDX-License-Identifier: MIT
"""What `doctor` sees of the environment and this machine: lock file, archive, verifiers, namespaces, clock."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from aptfreeze.archive import layout
from aptfreeze.describe.amounts import counted, size_text
from aptfreeze.environment.store import EnvironmentStore
from aptfreeze.errors import AptfreezeError
from aptfreeze.freeze.generation import Generation
from aptfreeze.launch.account import Account
from aptfreeze.launch.finding import Finding, Level
from aptfreeze.launch.isolate import mapping
from aptfreeze.launch.namespace import forbidden, leave_network, listen_inside
from aptfreeze.trust.backends import backend

_SCARCE = 2_000_000_000
"""Bytes; a build of a small image fetches some hundred MB, with sources a few times that."""
_SHARED = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph"})


def look_at_lock(store: EnvironmentStore, now: datetime) -> Iterator[Finding]:
    """Findings about the lock file, and about the clock as far as the lock file tells."""
    if store.is_read_only:
        why = "nothing is written there: --locked is implied, and no record is kept"
        yield Finding(Level.NOTE, f"{store.environment.root} cannot be written", why)
    if not store.environment.lock_file.exists():
        level = Level.PROBLEM if store.locked.value else Level.NOTE
        why = f"{store.locked.origin} forbids to make one" if store.locked.value else "the first build makes it"
        fix = "run once without it, and commit aptfreeze.lock" if store.locked.value else ""
        yield Finding(level, f"{store.environment.root} has no aptfreeze.lock", why, fix)
        return
    try:
        generation = store.load()
    except AptfreezeError as error:
        yield Finding(Level.PROBLEM, error.message, "run would end with 125", error.hint or "")
        return
    suites = counted(len(generation.pins), "suite")
    yield Finding(Level.OK, f"{store.environment.lock_file} pins {suites}{', and is locked' * store.locked.value}")
    yield from _look_at_clock(generation, now)


def _look_at_clock(generation: Generation, now: datetime) -> Iterator[Finding]:
    dates = [pin.date for pin in generation.pins.values() if pin.date is not None]
    latest = max([generation.created, *dates])
    if now < latest:
        yield Finding(
            Level.WARNING,
            f"the clock says {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, and {latest:%Y-%m-%d %H:%M} is in the lock file",
            "what is pinned is served all the same; a suite never asked before is refused, being from the future",
            "set the clock",
        )
        return
    yield Finding(Level.OK, f"the clock says {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC")


def look_at_archive(root: Path) -> Iterator[Finding]:
    """Findings about the archive's folder; it is not made."""
    above = next(folder for folder in (root, *root.parents) if folder.exists())
    if above == root and any(root.iterdir()):
        try:
            layout.prepare(root, read_only=True)
        except AptfreezeError as error:
            yield Finding(Level.PROBLEM, error.message, "", error.hint or "")
            return
    if not os.access(above, os.W_OK | os.X_OK):
        what = f"the archive {root} cannot be written" if above == root else f"the archive cannot be made in {above}"
        level = Level.NOTE if above == root else Level.PROBLEM
        why = "what it lacks cannot be kept" if above == root else "run would end with 125"
        yield Finding(level, what, why, "name another folder with --archive or [archive] path")
        return
    kind, free = file_system(above), shutil.disk_usage(above).free
    yield Finding(Level.OK, f"the archive {root} is on {kind or 'an unknown file system'}, {size_text(free)} free")
    if kind in _SHARED:
        why = "flock(2) and rename(2) have to be those of a local disk; that is probed when the archive is made"
        yield Finding(Level.NOTE, f"the archive is on a network file system, {kind}", why)
    if free < _SCARCE:
        why = "when it is full, apt gets 507 and the build fails"
        yield Finding(
            Level.WARNING,
            f"{size_text(free)} are free for the archive",
            why,
            "free some space, or name another folder with --archive or [archive] path",
        )


def file_system(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """Its kind (`ext4`, `nfs4`), as proc(5) tells; empty if it does not."""
    try:
        device = path.stat().st_dev
        lines = mounts.read_text().splitlines()
    except OSError:
        return ""
    number = f"{os.major(device)}:{os.minor(device)}"
    found = (line.split(" - ", 1) for line in lines if line.split(" ")[2:3] == [number])
    return next((rest[1].split(" ")[0] for rest in found if len(rest) == 2), "")


def look_at_verifiers(preferred: str | None) -> Iterator[Finding]:
    """Findings about what checks signatures."""
    try:
        yield Finding(Level.OK, f"signatures are verified by {backend(preferred).name}")
    except AptfreezeError as error:
        yield Finding(Level.PROBLEM, error.message, "a suite never asked before cannot be pinned", error.hint or "")


def look_at_namespaces() -> Iterator[Finding]:
    """Findings about `run --isolate`: tried in a process of its own, which ends at once."""
    with_user = os.geteuid() != 0
    number = _errno_of_leaving(with_user=with_user)
    if number:
        error = forbidden(number, with_user=with_user)
        yield Finding(Level.NOTE, error.message, "only run --isolate is not possible", error.hint or "")
        return
    yield Finding(Level.OK, "run --isolate is possible: the kernel gives a network namespace")
    for notice in mapping(Account.current())[1] if with_user else ():
        yield Finding.of(notice, Level.NOTE)


def _errno_of_leaving(*, with_user: bool) -> int:
    pid = os.fork()
    if pid == 0:
        number = 1
        try:
            leave_network(with_user=with_user)
            listen_inside()
            number = 0
        except OSError as error:
            number = error.errno or number
        finally:
            os._exit(number)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
