# SPDX-License-Identifier: MIT
"""Own lists and cache folders for a COMMAND that is apt itself, one pair per generation and user.

apt keeps the newer InRelease of the lists folder when it is offered an older one, without a word, so lists that are
shared between generations undo a rollback; and it trusts a `.deb` in `archives/` by its size alone.

    STATE/apt/UID/GENERATION/lists/         Dir::State::lists
    STATE/apt/UID/GENERATION/cache/         Dir::Cache

Rule 1: only for COMMAND = apt or apt-get. An absolute lists folder would beat the `Dir` of a tool that builds a root
of its own.
Rule 2: the folders stay after the run (a second `apt-get update` has little to do) and may be deleted at any time.
Rule 3: packages are not kept there after they were installed, since the archive holds them.
"""

import os
import pwd
import shutil
from pathlib import Path

from aptfreeze.launch.session import Session

_SANDBOX_USER = "_apt"


def prepare_lists(session: Session) -> tuple[tuple[str, str], ...]:
    """Make the folders that are missing; the apt options that name them.

    As root, the `partial` folders belong to the user to which apt's downloads change, so that they can (apt says
    itself when that user cannot reach them because a folder above is closed).
    """
    root = session.state / "apt" / str(os.geteuid()) / session.generation
    lists, cache = root / "lists", root / "cache"
    for folder in (lists, cache / "archives"):
        _make_partial(folder / "partial")
    return (
        ("Dir::State::lists", f"{lists}/"),
        ("Dir::Cache", f"{cache}/"),
        ("Dir::Cache::archives", f"{cache}/archives/"),
        ("APT::Keep-Downloaded-Packages", "false"),
    )


def _make_partial(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        folder.chmod(0o700)
        _give_to_sandbox(folder)


def _give_to_sandbox(folder: Path) -> None:
    try:
        user = pwd.getpwnam(_SANDBOX_USER).pw_uid
        shutil.chown(folder, user)
    except (KeyError, OSError):
        return  # no such user, or a namespace in which it is not mapped: apt then stays root and says so
