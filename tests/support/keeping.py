# SPDX-License-Identifier: MIT
"""An environment in which a repository's suite is pinned and something of it was used, without a build.

product = pinned_environment(folder, repository)
used(product, repository, "hello")
fill(product.settings.archive.path, repository)
"""

from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from aptfreeze.archive.objects import Objects
from aptfreeze.environment.config import Surroundings
from aptfreeze.environment.opened import Opened, open_environment
from aptfreeze.environment.records import AskedIndex, Record, ServedPackage
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import InRelease, Pin, SuiteKey
from support.defaults import NO_SERVICE
from support.repository import Repository

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def key_of(repository: Repository) -> SuiteKey:
    suite = "./" if repository.layout.flat else repository.layout.suite
    return SuiteKey(repository.url.removeprefix("http://"), suite)


def pin_of(repository: Repository) -> Pin:
    """Of its present state."""
    signers = (repository.key.fingerprint,) if repository.key else ()
    digest = Digest.of((repository.suite_folder / "InRelease").read_bytes())
    return Pin(InRelease(digest), repository.date, codename=repository.layout.codename, signers=signers)


def pinned_environment(folder: Path, *repositories: Repository, configuration: str = "") -> Opened:
    """Nothing of them is in its archive."""
    (folder / "environment").mkdir(parents=True)
    nobody = "" if "[snapshot]" in configuration else NO_SERVICE
    (folder / "environment/aptfreeze.toml").write_text(f"{configuration}\n{nobody}\n")
    flags = {"archive.path": str(folder / "archive")}
    opened = open_environment("a test", Surroundings({"HOME": "/"}, folder / "environment"), flags)
    generation = opened.store.init()
    for repository in repositories:
        key, pin = key_of(repository), pin_of(repository)
        opened.store.add_provisional(generation.id, key, pin)
        opened.store.commit(generation.id, {key: pin})
    return opened


def used(opened: Opened, repository: Repository, *names: str, indexes: Iterable[str] | None = None) -> None:
    """A session of the current generation got these packages, after it had asked for these indexes."""
    key = key_of(repository)
    default = "Packages" if key.is_flat else "main/binary-amd64/Packages"
    record = Record(opened.environment.records, opened.store.load().id, opened.process, NOW)
    for path in [default] if indexes is None else indexes:
        record.asked(AskedIndex(key.repository, key.suite, path))
    for name in names:
        record.served(served(repository, name))
    record.close(NOW, Digest.of(b"state"))


def served(repository: Repository, name: str) -> ServedPackage:
    key, binary = key_of(repository), repository.binary(name)
    digest, size = Digest.of(binary.build()), len(binary.build())
    path = binary.path.removeprefix("./")
    return ServedPackage(name, binary.version, binary.architecture, key.repository, key.suite, path, digest, size)


def fill(archive: Path, repository: Repository, pattern: str = "*") -> None:
    """Have the repository's files of this name in the archive."""
    with closing(Objects(archive)) as objects:
        for path in repository.root.rglob(pattern):
            if path.is_file():
                objects.put(path.read_bytes())
