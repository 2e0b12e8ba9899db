# SPDX-License-Identifier: MIT
"""Exports and imports: of a pinned repository, made in this process; and of a build by apt, by the command line."""

from pathlib import Path

from aptfreeze.describe.extent import Wish
from aptfreeze.environment.opened import Opened
from aptfreeze.verbs.export import Exported, export
from support.apt import Apt
from support.aptfreeze import Aptfreeze
from support.environments import open_in
from support.keeping import fill, pinned_environment, used
from support.process import Result
from support.repository import Repository


def exportable(folder: Path, repository: Repository, *names: str, configuration: str = "") -> Opened:
    """An environment that has used these packages, with an archive that has all of the repository."""
    trusted = f'[trust]\nkeyrings = ["{repository.key.keyring}"]' if repository.key else ""
    opened = pinned_environment(folder, repository, configuration=f"{configuration}\n{trusted}")
    used(opened, repository, *names)
    fill(opened.settings.archive.path, repository)
    return opened


def exported(opened: Opened, target: Path, **wish: bool) -> Exported:
    return export(opened, Wish(**wish), str(target))


def elsewhere(folder: Path, **flags: bool) -> Opened:
    """Another environment with an archive of its own."""
    environment = folder / "environment"
    environment.mkdir(parents=True, exist_ok=True)
    return open_in(environment, **flags, **{"archive.path": str(folder / "archive")})  # type: ignore[arg-type]  # flags by row key


def build(product: Aptfreeze, apt: Apt, *flags: str) -> Aptfreeze:
    """The product, after apt has fetched `hello` through it, and what that depends on."""
    command = "apt-get update && apt-get install --download-only hello"
    product.run(["sh", "-c", command], *flags, env=apt.environ).ok()
    return product


def verb(product: Aptfreeze, *words: str) -> Result:
    """A verb of the command, with the product's archive."""
    return product.command(*words, "--archive", str(product.archive))
