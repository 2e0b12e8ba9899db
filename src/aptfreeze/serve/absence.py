# SPDX-License-Identifier: MIT
"""What is said when the generation says no: 404, why, and what to do about it.

Rule 1: a package of another generation is never served, and a client that asks for one has lists of another
generation: that is told to the client, and makes `run` end with 125, since the build is not what the lock says.
Rule 2: apt keeps newer lists silently (it takes an older InRelease for "not modified"), so the dates tell.
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from itertools import islice

from aptfreeze.errors import AptfreezeError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.freeze.generation import Generation, SuiteKey
from aptfreeze.freeze.outcome import Absent, Asked
from aptfreeze.freeze.resolve import resolve
from aptfreeze.serve.first_sight import mid_sync
from aptfreeze.serve.session import Session

_HINT = (
    "empty the lists folder of the apt that asked (/var/lib/apt/lists in the root that is being built, or start from "
    "a fresh root), then run apt-get update through aptfreeze"
)


_OTHERS = 20
"""Generations that are searched for a path, the newest ones: a stale client asks for hundreds."""


class NotFoundError(AptfreezeError):
    """The generation does not list the path."""

    exit_code = 3
    status = 404


class AbsenceDesk:
    """Holds no state of its own.

    `archive_only` answers from the archive alone; `others` are the environment's other generations, newest first.
    """

    def __init__(
        self,
        session: Session,
        archive_only: Lookup,
        others: Callable[[], Iterable[Generation]],
        threads: Executor,
    ) -> None:
        self._session = session
        self._archive_only = archive_only
        self._others = others
        self._threads = threads

    async def explain(self, asked: Asked, absent: Absent, *, is_probe: bool) -> AptfreezeError:
        """The error to answer with; `is_probe` (HEAD) never makes a verdict."""
        dropped = self._dropped(asked.location.text)
        if dropped is not None:
            return mid_sync(dropped)
        if not absent.is_stale:
            return NotFoundError(absent.why)
        run = asyncio.get_running_loop().run_in_executor
        owner = await run(self._threads, self._owner, asked)
        why = f"{absent.why} (generation {self._session.generation.id[:12]}); {self._origin(asked, owner)}"
        if not is_probe:
            self._session.verdict(f"a client asked for what is not frozen: {why}")
        return NotFoundError(why, hint=_HINT)

    def _dropped(self, text: str) -> SuiteKey | None:
        return next((key for key in self._session.dropped if text.startswith(f"{folder_of(key)}/")), None)

    def _owner(self, asked: Asked) -> Generation | None:
        """In a thread: another generation of this environment that has the path."""
        for generation in islice(self._others(), _OTHERS):
            try:
                outcome = self._archive_only.settle(resolve(asked, generation))
            except AptfreezeError:
                continue  # its Release is not in this archive
            if not isinstance(outcome, Absent) and generation.id != self._session.generation.id:
                return generation
        return None

    def _origin(self, asked: Asked, owner: Generation | None) -> str:
        if owner is not None:
            return (
                f"it belongs to generation {owner.id[:12]} of {owner.created:%Y-%m-%d}: the client has that one's lists"
            )
        for key, date in self._session.newer_lists.items():
            if asked.location.text.startswith(key.repository + "/"):
                return f"the client's lists of {key} are newer than the lock: of {date:%Y-%m-%d %H:%M:%S} UTC"
        return "the client has lists that are newer than the lock, or come from elsewhere"


def folder_of(key: SuiteKey) -> str:
    """The folder that the suite's files are in, as requests name it."""
    return key.repository if key.is_flat else f"{key.repository}/dists/{key.suite}"
