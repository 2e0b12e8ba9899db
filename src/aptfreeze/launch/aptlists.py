# SPDX-License-Identifier: MIT
"""Own lists and cache folders for a COMMAND that is apt itself, one pair per generation and user.

apt keeps the newer InRelease of the lists folder when it is offered an older one, without a word, so lists that are
shared between generations undo a rollback; and it trusts a `.deb` in `archives/` by its size alone.

    STATE/apt/UID/GENERATION/lists/         Dir::State::lists
    STATE/apt/UID/GENERATION/cache/         Dir::Cache

Rule 1: only for COMMAND = apt or apt-get. An absolute lists folder would beat the `Dir` of a tool that builds a root
of its own.
Rule 2: the folders stay after the run (a second `apt-get update` has little to do) and may be deleted at any time.
Where the environment cannot be written, they lie in the session folder and go with it.
Rule 3: packages are not kept there after they were installed, since the archive holds them.
"""

import os
import pwd
from pathlib import Path

from aptfreeze.environment.files import make_folder
from aptfreeze.launch.session import Session

_SANDBOX_USER = "_apt"


def prepare_lists(session: Session) -> tuple[tuple[str, str], ...]:
    """Make the folders that are missing; the apt options that name them.

    As root, the `partial` folders belong to the user to which apt's downloads change, so that they can (apt says
    itself when that user cannot reach them because a folder above the environment is closed).
    """
    base = session.state if os.access(session.state, os.W_OK) else session.folder
    root = base / "apt" / str(os.geteuid()) / session.generation
    lists, archives = root / "lists", root / "cache" / "archives"
    make_folder(root.parent.parent)  # after sudo it is the environment's owner's, not root's
    for folder in (root.parent.parent, root.parent, root, lists, archives.parent, archives):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)  # whatever the umask says: the sandbox user must pass
    for folder in (lists / "partial", archives / "partial"):
        folder.mkdir(mode=0o700, exist_ok=True)
        _give_to_sandbox(folder)
    return (
        ("Dir::State::lists", f"{lists}/"),
        ("Dir::Cache", f"{archives.parent}/"),
        ("Dir::Cache::archives", f"{archives}/"),
        ("APT::Keep-Downloaded-Packages", "false"),
    )


def _give_to_sandbox(folder: Path) -> None:
    if os.geteuid() != 0:
        return
    try:
        os.chown(folder, pwd.getpwnam(_SANDBOX_USER).pw_uid, -1)
    except (KeyError, OSError):
        return  # no such user, or a namespace in which it is not mapped: apt then stays root and says so
