# SPDX-License-Identifier: MIT
"""A user of this machine, and how a process becomes one."""

import os
import pwd
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Final

from aptfreeze.errors import UsageError
from aptfreeze.values import immutable

_FOLDERS: Final = (
    "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME",
)  # fmt: skip
"""Where one's files go, if not to the usual places."""


@immutable
class Account:
    """One user, as the password file has them."""

    name: str
    """Their number where the password file does not know them."""
    user: int
    group: int
    home: str
    shell: str

    @classmethod
    def current(cls) -> "Account":
        """That of this process, with the group that it has now."""
        user, group = os.geteuid(), os.getegid()
        try:
            entry = pwd.getpwuid(user)
        except KeyError:
            return cls(str(user), user, group, "/", "/bin/sh")
        return cls(entry.pw_name, user, group, entry.pw_dir, entry.pw_shell)

    @classmethod
    def named(cls, name: str) -> "Account":
        """That of a name or a number. UsageError if the password file does not know it."""
        try:
            entry = pwd.getpwuid(int(name)) if name.isascii() and name.isdecimal() else pwd.getpwnam(name)
        except (KeyError, OverflowError) as error:
            raise UsageError(f"there is no user {name!r} on this machine", hint="see: getent passwd") from error
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir, entry.pw_shell)

    @property
    def variables(self) -> dict[str, str]:
        """Those environment variables that tell who one is."""
        return {"HOME": self.home, "USER": self.name, "LOGNAME": self.name, "SHELL": self.shell}

    def become(self) -> None:
        """Make this process theirs, with all of their groups, and no way back. Only root can."""
        os.setgroups(os.getgrouplist(self.name, self.group))
        os.setresgid(self.group, self.group, self.group)
        os.setresuid(self.user, self.user, self.user)

    def settle(self, environ: MutableMapping[str, str]) -> None:
        """In a process that is theirs now: the variables tell of them, and name no folder that they cannot write."""
        environ.update(self.variables)
        for name in _FOLDERS:
            if name in environ and not _can_be_written(Path(environ[name])):
                del environ[name]


def invoking_user(environ: Mapping[str, str]) -> str:
    """Who called sudo: the number that it leaves in the variables. UsageError if nobody did."""
    if number := environ.get("SUDO_UID"):
        return number
    raise UsageError(
        "--user without a name means who called sudo, and SUDO_UID is not set", hint="name the user: --user NAME"
    )


def _can_be_written(folder: Path) -> bool:
    """By this process, which may have to make it."""
    above = next((each for each in (folder, *folder.parents) if os.access(each, os.F_OK)), folder)
    return os.access(above, os.W_OK | os.X_OK)
