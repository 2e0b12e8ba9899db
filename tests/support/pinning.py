# SPDX-License-Identifier: MIT
"""First sights without the rest of a proxy: real environment, archive, keys and mirror.

    desk = make_desk(folder, archive, signing_key, threads)
    await desk.suite(repository)
    assert desk.session.provisional == {key_of(repository)}

Several desks with one folder are several runs of one environment.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aptfreeze.environment.folder import Environment
from aptfreeze.environment.pinning import Judges, Pinning
from aptfreeze.environment.process import Process
from aptfreeze.environment.records import Record
from aptfreeze.environment.store import EnvironmentStore
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.freeze.generation import Pin, SuiteKey
from aptfreeze.serve.first_sight import FirstSight
from aptfreeze.serve.session import Session
from aptfreeze.settings import Sourced, TrustSettings
from aptfreeze.trust.backends import backend
from aptfreeze.trust.keyring import Keyring
from support.repository import Repository
from support.signing import SigningKey


def key_of(repository: Repository) -> SuiteKey:
    return SuiteKey(repository.url.removeprefix("http://"), repository.layout.suite)


@dataclass(slots=True)
class Desk:
    """One session's FirstSight; `told` is what a person was shown."""

    session: Session
    store: EnvironmentStore
    first_sight: FirstSight
    told: list[str]

    async def suite(self, repository: Repository) -> Pin:
        """Its suite, as a request for its InRelease would pin it."""
        key = key_of(repository)
        await self.first_sight.suite(key, "InRelease")
        return self.session.generation.pins[key]


def make_desk(folder: Path, archive: OpenArchive, key: SigningKey, threads: Executor, *, locked: bool = False) -> Desk:
    """A session of the environment in `folder`, which trusts `key`."""
    folder.mkdir(parents=True, exist_ok=True)
    process = Process.current("test")
    store = EnvironmentStore(Environment(folder), process, locked=Sourced(locked, "--locked"))
    generation = store.init()
    told: list[str] = []
    session = Session(generation, Record(None, generation.id, process, datetime.now(UTC)), told.append)
    lookup = archive.lookup(offline=False)
    return Desk(
        session, store, FirstSight(session, store, archive.objects, _pinning(archive, key), lookup, threads), told
    )


def _pinning(archive: OpenArchive, key: SigningKey) -> Callable[[], Pinning]:
    keyring = Keyring.parse("test", key.keyring.read_bytes())
    judges = Judges(TrustSettings(), backend, lambda repository: (keyring,), lambda: datetime.now(UTC))

    def fetch(url: str, is_patient: bool) -> bytes:
        return archive.downloads.fetch_bytes([url], 1 << 20, is_patient=is_patient).data

    return lambda: Pinning(archive.objects, archive.mirrors, archive.snapshots, fetch, judges)
