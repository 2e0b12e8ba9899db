# SPDX-License-Identifier: MIT
"""An environment whose suites are pinned and archived, and images made of their packages.

opened = described_environment(folder, repository, updates)
image = image_of(folder, status("hello", "1.0"))
"""

from pathlib import Path

from aptfreeze.environment.opened import Opened
from support.keeping import fill, pinned_environment
from support.repository import MakeRepository, Repository

OURS = '[[exception]]\npackage = "ours"\nlacks = ["origin"]\nreason = "built here, \\"twice\\""\n'
"""Configuration that declares a package."""


def shipped_repository(make_repository: MakeRepository) -> Repository:
    """Packages with their own source, of another one, rebuilt, and for every architecture."""
    repository = make_repository()
    repository.add("hello", "1.0")
    repository.add("libhello", "1.0-1+b1", Source="hello (1.0-1)")
    repository.add("data", "1.0", architecture="all")
    repository.add("compiler", "12")
    repository.add_source("hello", "1.0")
    repository.publish()
    return repository


def described_environment(folder: Path, *repositories: Repository, configuration: str = "") -> Opened:
    """All of them is in its archive; nothing was used."""
    opened = pinned_environment(folder, *repositories, configuration=configuration)
    for each in repositories:
        fill(opened.settings.archive.path, each)
    return opened


def status(
    name: str, version: str = "1.0", architecture: str = "amd64", *, state: str = "installed", **more: str
) -> str:
    """A paragraph of dpkg's status file."""
    fields = {"Package": name, "Status": f"install ok {state}", "Version": version, "Architecture": architecture}
    told = fields | {field.replace("_", "-"): value for field, value in more.items()}
    return "".join(f"{field}: {value}\n" for field, value in told.items()) + "\n"


def image_of(folder: Path, *paragraphs: str, name: str = "image") -> Path:
    """A root file system with these packages."""
    root = folder / name
    (root / "var/lib/dpkg").mkdir(parents=True)
    (root / "var/lib/dpkg/status").write_text("".join(paragraphs))
    return root
