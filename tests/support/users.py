# SPDX-License-Identifier: MIT
"""Being several users of one machine, which only root can be."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several users")


@contextmanager
def acting_as(user: int, *, group: int | None = None, umask: int = 0o022) -> Iterator[None]:
    """The whole process is this user without privileges, in this group (the user's number if not given)."""
    groups, mask = os.getgroups(), os.umask(umask)
    os.setgroups([])
    os.setegid(user if group is None else group)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)
        os.umask(mask)


@contextmanager
def folder_of(user: int, mode: int = 0o755, *, group: int | None = None) -> Iterator[Path]:
    """An empty folder of theirs that every user can reach, unlike `tmp_path`."""
    with tempfile.TemporaryDirectory(prefix="of-a-user-") as name:
        folder = Path(name)
        os.chown(folder, user, user if group is None else group)
        folder.chmod(mode)
        yield folder
