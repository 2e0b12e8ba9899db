# SPDX-License-Identifier: MIT
"""What an image consists of and what its build used beyond that, as values; `listing` and others write them down.

Deployed is what is installed in the image. Used is what runs of the generation were served and what is not deployed:
build dependencies, tools, source packages. Without an image to look into, all that was served counts as used.
"""

from collections.abc import Iterator
from enum import StrEnum

from aptfreeze.describe import closure
from aptfreeze.describe.closure import Piece
from aptfreeze.describe.deployed import Deployed, Deployment, deployment, exempted
from aptfreeze.describe.rootfs import Rootfs
from aptfreeze.environment import records
from aptfreeze.environment.machine import architecture
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.records import Usage
from aptfreeze.errors import IntegrityError
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation
from aptfreeze.freeze.lockfile import state_digest
from aptfreeze.settings import Exemption, Lack
from aptfreeze.values import immutable


class Role(StrEnum):
    DEPLOYED = "deployed"
    USED = "used"


@immutable
class Described:
    """One package, in one of the two roles."""

    role: Role
    name: str
    version: str
    architecture: str
    """`source` for a file of a source package."""
    source: str
    """Empty for a file of a source package, and where no index tells."""
    source_version: str
    piece: Piece | None
    """Its file; None: no pinned suite lists it."""

    @property
    def digest(self) -> Digest | None:
        return self.piece.forms[0].wanted.digest if self.piece else None


@immutable
class Description:
    """Of one generation, and of one image if there is one."""

    generation: Generation
    state: Digest
    rootfs: Rootfs | None
    deployment: Deployment
    """Empty without an image."""
    used: tuple[Piece, ...]
    """What runs were served and what is not deployed; sorted."""
    exemptions: tuple[Exemption, ...]

    def packages(self) -> Iterator[Described]:
        """First those deployed, sorted by name, then those used."""
        yield from map(_deployed, self.deployment.packages)
        yield from map(_used, self.used)

    def exemption(self, deployed: Deployed) -> Exemption | None:
        """Why a package may be of no pinned suite; None: nobody said so."""
        return exempted(self.exemptions, deployed.package, Lack.ORIGIN)


def describe(opened: Opened, archive: OpenArchive, rootfs: Rootfs | None) -> Description:
    """Join what is installed and what was served with the pinned suites. Blocks, and may fetch indexes for the former.

    IntegrityError if there is neither an image nor a record of a run: an empty list would be a lie.
    """
    generation = opened.store.load()
    usage = records.load(opened.environment.records, generation.id)
    if rootfs is None and not usage.sessions:
        raise IntegrityError(
            f"no run of generation {generation.id} is recorded in {opened.environment.records}",
            hint="run the build once: aptfreeze run -- COMMAND; records belong to the checkout and are not in git. "
            "Or name the image: --rootfs DIR",
        )
    in_use = records.architectures(opened.environment.records) | {architecture()}
    online = archive.lookup(offline=opened.settings.offline.value)
    installed = rootfs.packages if rootfs else ()
    found = deployment(online, generation, usage, installed, in_use) if installed else Deployment((), ())
    return Description(
        generation,
        state_digest(generation),
        rootfs,
        found,
        _beyond(archive, generation, usage, in_use, found),
        opened.settings.exemptions,
    )


def _beyond(
    archive: OpenArchive, generation: Generation, usage: Usage, in_use: frozenset[str], found: Deployment
) -> tuple[Piece, ...]:
    deployed = {each.piece.forms[0].wanted.digest for each in found.packages if each.piece}
    pieces = closure.used_packages(archive.lookup(offline=True), generation, usage, in_use)
    left = [piece for piece in pieces if piece.forms[0].wanted.digest not in deployed]
    return tuple(sorted(left, key=lambda piece: (piece.name, piece.path)))


def _deployed(each: Deployed) -> Described:
    package, entry = each.package, each.piece.entry if each.piece else None
    return Described(
        Role.DEPLOYED,
        package.name,
        package.version,
        package.architecture,
        entry.source if entry else package.source,
        entry.source_version if entry else package.source_version,
        each.piece,
    )


def _used(piece: Piece) -> Described:
    entry = piece.entry
    assert entry is not None
    return Described(
        Role.USED, entry.package, entry.version, entry.architecture, entry.source, entry.source_version, piece
    )
