# SPDX-License-Identifier: MIT
"""What one life of `run` knows before its COMMAND starts, and the folder for all that it writes for COMMAND.

Rule 1: everything temporary lies in the session folder, and leaving `session_folder` removes it.
Rule 2: any user of the machine may read the folder: COMMAND may enter a user namespace or change its user, and what
lies there is no secret (a loopback URL, apt settings, wrapper scripts).
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from aptfreeze.errors import UsageError
from aptfreeze.values import immutable


@immutable
class Session:
    """One life of `run`."""

    proxy: str
    """URL of the proxy of this session, as apt and wget take it: `http://[NAME@]127.0.0.1:PORT`."""
    generation: str
    """Id of the generation that this session serves."""
    created: datetime
    """When the generation was made; aware, UTC."""
    folder: Path
    """The session folder, absolute; the caller removes it."""
    state: Path
    """The environment's local state (`.aptfreeze`), absolute."""
    certificate: bytes = b""
    """Public half of the key that suites are served signed with, binary; empty: as their archives signed them."""
    authority: bytes = b""
    """Certificate (PEM) of the authority that https repositories are served with; empty: there is none."""
    in_user_namespace: bool = False
    """Whether COMMAND is root of a user namespace with a range of ids, and nowhere else."""

    def __post_init__(self) -> None:
        if self.created.tzinfo is None:
            raise ValueError("Session.created must be an aware time")
        if not (self.folder.is_absolute() and self.state.is_absolute()):
            raise ValueError("Session.folder and Session.state must be absolute")


@contextmanager
def session_folder() -> Iterator[Path]:
    """A fresh folder, below `TMPDIR` or one that every system has, that is gone when the context ends.

    UsageError if none of them can be written.
    """
    folder = _fresh_folder()
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fresh_folder() -> Path:
    """What `tempfile` would make, which takes longer to import than all else here."""
    places = [place for place in (os.environ.get("TMPDIR"), "/tmp", "/var/tmp") if place]
    for place in places:
        folder = Path(place, f"aptfreeze-{os.urandom(8).hex()}").absolute()
        with suppress(OSError):
            folder.mkdir()
            return folder
    raise UsageError(
        f"no folder for temporary files can be written: {', '.join(places)}", hint="let TMPDIR name one that can"
    )
