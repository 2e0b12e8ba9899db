# SPDX-License-Identifier: MIT
"""An environment that a command works on: its folder, its settings, and its store."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aptfreeze.environment import config, folder
from aptfreeze.environment.config import Surroundings
from aptfreeze.environment.folder import Environment
from aptfreeze.environment.process import Process
from aptfreeze.environment.store import EnvironmentStore
from aptfreeze.settings import Settings
from aptfreeze.values import immutable

if TYPE_CHECKING:
    from aptfreeze.trust.signing import SigningKey


@immutable
class Opened:
    environment: Environment
    settings: Settings
    store: EnvironmentStore
    process: Process

    def signing_key(self) -> "SigningKey | None":
        """The key that suites are signed with anew, made if need be; None if they are not. See `resigning`."""
        if not self.settings.resign.enabled:
            return None
        from aptfreeze.environment.resigning import obtain_key  # start-up time

        return obtain_key(self.store, self.settings.resign)


def open_environment(command: str, surroundings: Surroundings, flags: Mapping[str, Any]) -> Opened:
    """The environment that flags, variables and the current folder name; UsageError if it is no good.

    `command` is told to others as what this process does; `flags` are by row key of `rows.ROWS`.
    """
    environment = folder.find(surroundings.folder, surroundings.environ, flags.get("env"))
    settings = config.load(environment, surroundings, flags)
    process = Process.current(command)
    store = EnvironmentStore(environment, process, locked=settings.locked)
    return Opened(environment, settings, store, process)
