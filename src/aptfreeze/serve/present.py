# SPDX-License-Identifier: MIT
"""The package files of an earlier session, as the present generation has them.

Rule 1: within one generation the record itself tells the file: an index is not needed, and may not be there yet.
Rule 2: in another generation names are looked up, in the indexes at hand; none is fetched for it. `successors` chooses.
"""

from collections.abc import Collection, Iterator, Mapping

from aptfreeze.environment.earlier import Earlier
from aptfreeze.environment.records import ServedPackage
from aptfreeze.environment.successors import successors
from aptfreeze.errors import AptfreezeError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.freeze.generation import BarePackages, Generation, Pin, SuiteKey
from aptfreeze.freeze.outcome import PinnedPackage, is_trustworthy
from aptfreeze.serve.foresight import Name, name_of, recorded_name


class Present:
    """One generation, looked at in threads; it holds no state of its own.

    `folders` are what the paths in a flat suite's index are relative to, where that is known not to be its own folder.
    """

    def __init__(self, lookup: Lookup, generation: Generation, folders: Mapping[SuiteKey, str]) -> None:
        self._lookup = lookup
        self._generation = generation
        self._folders = folders

    def files(self, session: Earlier, packages: Collection[ServedPackage]) -> list[PinnedPackage]:
        """What these packages of the session are now, in their order, each file once."""
        is_same = session.generation_id == self._generation.id
        files: dict[Digest, PinnedPackage] = {}
        for each in self._recorded(session, packages) if is_same else self._named(session, packages):
            files.setdefault(each.entry.wanted.digest, each)  # a file that several suites list is one
        return list(files.values())

    # --- by the record ---

    def _recorded(self, session: Earlier, packages: Collection[ServedPackage]) -> Iterator[PinnedPackage]:
        suites = {key for key in self._suites(session) if self._is_named_by_sha256(key)}
        for served in packages:
            key = SuiteKey(served.repository, served.suite)
            if key in suites:
                wanted = Wanted(served.sha256, served.size)
                entry = IndexEntry(wanted, served.name, served.version, served.architecture)
                yield PinnedPackage(key, self._generation.pins[key], entry, self._folder(key), served.path)

    def _is_named_by_sha256(self, key: SuiteKey) -> bool:
        """Whether a client's request will lead to the digest that is recorded; a suite with SHA512 alone is rare."""
        pin = self._generation.pins[key]
        if isinstance(pin.root, BarePackages):
            return True
        try:
            return all("sha256" in listed.hashes for listed in self._lookup.release(key, pin).files.values())
        except AptfreezeError:
            return False

    # --- by the indexes ---

    def _named(self, session: Earlier, packages: Collection[ServedPackage]) -> Iterator[PinnedPackage]:
        by_name: dict[Name, list[PinnedPackage]] = {}
        for each in self._candidates(session, packages):
            by_name.setdefault(name_of(each), []).append(each)
        not_automatic = {key for key in self._suites(session) if self._is_not_automatic(key)}
        for served in packages:
            yield from successors(served, by_name.get(recorded_name(served), ()), not_automatic)

    def _candidates(self, session: Earlier, packages: Collection[ServedPackage]) -> Iterator[PinnedPackage]:
        """All files of packages of these names in the suites that the session used."""
        names = {each.name for each in packages}
        architectures = {"", "all"} | {each.architecture for each in packages}
        for key in self._suites(session):
            pin = self._generation.pins[key]
            try:
                for table in self._tables(key, pin, architectures):
                    for path, entry in self._lookup.indexes.named(table, names):
                        if is_trustworthy(pin, entry.wanted):
                            yield PinnedPackage(key, pin, entry, self._folder(key), path)
            except AptfreezeError:
                continue  # whoever asks for a file of it will hear why it cannot be read

    def _tables(self, key: SuiteKey, pin: Pin, architectures: Collection[str]) -> Iterator[Digest]:
        for path, is_source in self._indexes(key, pin, architectures):
            forms = self._lookup.forms(key, pin, path)
            name = self._lookup.index(key, forms, is_source=is_source, may_fetch=False)
            if name is not None:
                yield name

    def _indexes(self, key: SuiteKey, pin: Pin, architectures: Collection[str]) -> Iterator[tuple[str, bool]]:
        """The path of each index that may list them, and whether it is a Sources."""
        if isinstance(pin.root, BarePackages):
            yield pin.root.file, False
            return
        release = self._lookup.release(key, pin)
        for index in (*release.package_indexes(), *release.source_indexes()):
            if index.architecture in architectures:
                yield index.path, index.architecture == "source"

    def _is_not_automatic(self, key: SuiteKey) -> bool:
        pin = self._generation.pins[key]
        try:
            return not isinstance(pin.root, BarePackages) and self._lookup.release(key, pin).not_automatic
        except AptfreezeError:
            return False

    # --- suites ---

    def _suites(self, session: Earlier) -> list[SuiteKey]:
        """Those that the session used, as far as they are pinned now."""
        served = {SuiteKey(package.repository, package.suite) for package in session.usage.packages}
        asked = {SuiteKey(index.repository, index.suite) for index in session.usage.indexes}
        return sorted((served | asked) & self._generation.pins.keys())

    def _folder(self, key: SuiteKey) -> str:
        return self._folders.get(key, key.repository)
