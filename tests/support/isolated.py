# SPDX-License-Identifier: MIT
"""Somebody who builds with `aptfreeze run`, isolated or not: root, a normal user, or root on behalf of one."""

import json
import os
import shutil
from collections.abc import Sequence
from typing import Any

import pytest

from support.apt import Apt
from support.aptfreeze import Aptfreeze
from support.defaults import NO_SERVICE
from support.isolation import needs_namespaces
from support.machine import NAME, NUMBER, Machine
from support.process import Result, run
from support.repository import Repository
from support.signing import SigningKey
from support.users import only_root

needed = [
    needs_namespaces(),
    only_root,
    pytest.mark.skipif(shutil.which("newuidmap") is None, reason="uidmap is not installed"),
]
"""What the stories about them need of this machine."""


class Builds:
    """Somebody who builds with apt and aptfreeze, in a folder of their own."""

    def __init__(self, machine: Machine, key: SigningKey, *, as_root: bool = False, flags: Sequence[str] = ()) -> None:
        self.machine = machine
        self.number = os.geteuid() if as_root and not flags else NUMBER
        self.product = Aptfreeze(machine.folder / "product")
        self.product.configure(NO_SERVICE)
        keyring = shutil.copy(key.keyring, machine.folder / "key.gpg")
        self.product.configure(f"[trust]\nkeyrings = {json.dumps([str(keyring)])}")
        self.apt = Apt(machine.folder / "apt")
        self.keyring = str(keyring)
        self.isolate = ("--isolate", *flags)
        self._as_root = as_root

    def line(self, command: Sequence[str], *flags: str) -> list[str]:
        if self.number == NUMBER:
            self.machine.give()
        words = self.product.line("run", "--archive", str(self.product.archive), *flags, "--", *command)
        return self.machine.line(words, as_root=self._as_root)

    @property
    def environ(self) -> dict[str, str]:
        return self.product.environ | self.apt.environ | {"HOME": str(self.machine.folder)}

    def run(self, command: Sequence[str], *flags: str) -> Result:
        """`aptfreeze run FLAGS -- COMMAND`, isolated only if the flags say so."""
        return run(self.line(command, *flags), env=self.environ, cwd=self.product.environment)

    def use(self, repository: Repository) -> None:
        """A source for their apt."""
        self.apt.add(repository, signed_by=self.keyring)

    def summary_of(self, command: Sequence[str], *flags: str) -> Any:
        file = self.product.environment / "summary.json"
        self.run(command, "--json", str(file), *flags)
        return json.loads(file.read_text())


WHO: dict[str, tuple[bool, dict[str, Any]]] = {
    "root": (True, {"as_root": True}),
    "user": (True, {}),
    "user-without-range": (False, {}),
    "root-for-user": (True, {"as_root": True, "flags": ("--user", NAME)}),
}
"""Whether the builder has ranges of ids, and how they build; for the fixture `who`."""

everybody = pytest.mark.parametrize("who", list(WHO), indirect=True)
root = pytest.mark.parametrize("who", ["root"], indirect=True)
user = pytest.mark.parametrize("who", ["user"], indirect=True)
root_for_user = pytest.mark.parametrize("who", ["root-for-user"], indirect=True)
