# SPDX-License-Identifier: MIT
"""Source packages that no pinned suite lists and that a snapshot service had: by which `.dsc` they are known.

The service is asked once; later, also offline, the `.dsc` in the archive tells the other files.
Rule: nothing signed leads to them, so nothing that is served to clients ever follows from this file.
"""

from collections.abc import Iterator
from pathlib import Path

from aptfreeze.environment import files
from aptfreeze.freeze.digest import Digest
from aptfreeze.values import immutable


@immutable
class OutsideSource:
    """One source package of a snapshot service."""

    name: str
    version: str
    dsc: Digest
    """sha256 of its description."""
    archive: str
    """The URL below which the service keeps the states of the repository that it was asked for."""


class OutsideSources:
    """Those of one environment; `path` None remembers for this process only. Mutable: what is known, by name and
    version."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[tuple[str, str], OutsideSource] = {}
        for record in files.read_records(path) if path else ():
            try:
                known = OutsideSource(
                    str(record["source"]), str(record["version"]), Digest.parse(record["dsc"]), str(record["archive"])
                )
            except (KeyError, TypeError, ValueError, AttributeError):
                continue  # torn and mended, or of a later version
            self._known[known.name, known.version] = known

    def __repr__(self) -> str:
        return f"<OutsideSources {len(self._known)} of {self._path}>"

    def get(self, name: str, version: str) -> OutsideSource | None:
        return self._known.get((name, version))

    def descriptions(self) -> Iterator[Digest]:
        """The `.dsc` of each."""
        return (each.dsc for each in self._known.values())

    def remember(self, source: OutsideSource) -> None:
        """UsageError if it cannot be written."""
        if self.get(source.name, source.version) == source:
            return
        self._known[source.name, source.version] = source
        if self._path is not None:
            record = {"source": source.name, "version": source.version, "dsc": str(source.dsc)}
            files.append(self._path, [{**record, "archive": source.archive}])
