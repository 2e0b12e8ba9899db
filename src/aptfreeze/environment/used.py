# SPDX-License-Identifier: MIT
"""Which indexes of a suite the builds of an environment use, as far as its records tell. Pure."""

from collections.abc import Collection

from aptfreeze.deb.paths import index_architecture
from aptfreeze.deb.release import Release
from aptfreeze.environment.records import Usage
from aptfreeze.freeze.generation import BarePackages, Pin, SuiteKey


def asked_paths(usage: Usage, key: SuiteKey) -> list[str]:
    """The Packages indexes of the suite that clients asked for, without the suffix of a compression."""
    return sorted(
        {index.path for index in usage.indexes if (index.repository, index.suite) == (key.repository, key.suite)}
    )


def sources_paths(pin: Pin, asked: Collection[str]) -> list[str]:
    """The Sources indexes of the components that these Packages indexes belong to, whether they are listed or not."""
    if isinstance(pin.root, BarePackages):
        return []
    lists = [path for path in asked if index_architecture(path) or "/" not in path]
    folders = {path.rpartition("/")[0] for path in lists}
    components = {folder.rpartition("/")[0].removesuffix("/debian-installer") for folder in folders}
    return sorted(f"{component}/source/Sources" if component else "Sources" for component in components)


def first_paths(release: Release, architecture: str) -> list[str]:
    """What a build would ask first: the Packages of this architecture (and of `all`) in the first component."""
    indexes = [index for index in release.package_indexes() if not index.is_udeb]
    fitting = [index for index in indexes if index.architecture in (architecture, "")]
    if not fitting:
        return []
    component = next((c for c in release.components if any(i.component == c for i in fitting)), fitting[0].component)
    wanted = {architecture, "", "all"}
    return sorted(i.path for i in indexes if i.component == component and i.architecture in wanted)


def every_path(release: Release, architectures: Collection[str]) -> list[str]:
    """The Packages of these architectures, and what `all` has beside them, in every component."""
    repeats_all = "Packages" in release.no_support_for_architecture_all
    wanted = {*architectures, "", *([] if repeats_all else ["all"])}
    return sorted(i.path for i in release.package_indexes() if i.architecture in wanted and not i.is_udeb)
