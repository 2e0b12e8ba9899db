# SPDX-License-Identifier: MIT
"""Files that a Release lists and that no supplier has: remembered, so that the answer stays 404, also offline.

Rule 1: what is remembered is "the suppliers of this repository do not have these bytes"; it holds for every
generation and every name of the file (by path and by-hash).
Rule 2: it is not forgotten by itself: a "no" is as frozen as a "yes". Deleting the file asks the mirrors again.
"""

import threading
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from aptfreeze.environment import files
from aptfreeze.freeze.digest import Digest

_FIELDS = ("repository", "path", "digest")


class Absences:
    """The remembered absences of one environment; `path` None remembers for this process only."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: set[tuple[str, str]] = set()
        self._guard = threading.Lock()  # downloads end in several threads
        for record in files.read_records(path) if path else ():
            self._known.add((str(record.get("repository")), str(record.get("digest"))))

    def __repr__(self) -> str:
        return f"<Absences {len(self._known)} of {self._path}>"

    def __contains__(self, wanted: tuple[str, Digest]) -> bool:
        """Whether the bytes of a digest are remembered as absent from a repository."""
        repository, digest = wanted
        return (repository, str(digest)) in self._known

    def remember(self, repository: str, path: str, digest: Digest) -> None:
        """Every supplier of `repository` said that it has no file of this digest; `path` is for people."""
        with self._guard:
            if (repository, digest) in self:
                return
            self._known.add((repository, str(digest)))
            if self._path is not None:
                files.append(self._path, [{"repository": repository, "path": path, "digest": str(digest)}])


def exported(path: Path, listed: Collection[tuple[str, Digest]]) -> bytes:
    """What is remembered of these files (repository and digest), sorted, in the form in which it is remembered."""
    wanted = {(repository, str(digest)) for repository, digest in listed}
    rows = {
        tuple(str(record.get(name)) for name in _FIELDS)
        for record in files.read_records(path)
        if (str(record.get("repository")), str(record.get("digest"))) in wanted
    }
    return files.lines_of(dict(zip(_FIELDS, row, strict=True)) for row in sorted(rows))


def remember_exported(path: Path, data: bytes) -> None:
    """Remember what another environment has remembered; lines that say nothing are passed over."""
    absences = Absences(path)
    for record in files.parse_records(data.split(b"\n")):
        with suppress(KeyError, ValueError, AttributeError):
            absences.remember(str(record["repository"]), str(record["path"]), Digest.parse(record["digest"]))
