# SPDX-License-Identifier: MIT
"""`SnapshotService`: a service that keeps states, with the layout, the redirects and the API of snapshot.debian.org.

    with SnapshotService(folder) as service:
        service.keep("debian", repository.folder, at)
        ...     # service.archive_url("debian") is what [snapshot] archives names

It is a tests' mirror otherwise: `inject`, `asked`, `forget`. A path below a time that is no state leads to the state
before that time; by-hash folders are not kept.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from support.faults import Answer
from support.origin import Origin

_DATED = re.compile(r"/archive/(?P<name>[^/]+)/(?P<stamp>[0-9]{8}T[0-9]{6}Z)(?P<rest>/.*)")
_POOL = re.compile(r"(?P<package>[^_]+)_(?P<version>[^_]+?)(?:_(?P<architecture>[^_]+)\.u?deb|\.dsc|\.tar\.[a-z]+)")
_FILES = re.compile(r"/mr/(?P<kind>binary|package)/(?P<package>[^/]+)/(?P<version>[^/]+)/(?:bin|src)files")


def stamp_of(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%SZ}"


class SnapshotService(Origin):
    """States of any number of archives; `has_api` False leaves out everything below `/mr/`."""

    def __init__(self, root: Path, *, has_api: bool = True) -> None:
        super().__init__(root)
        self.has_api = has_api
        self._answers = root / "answers"
        self._answers.mkdir(parents=True)
        (root / "file").mkdir()

    def archive_url(self, name: str) -> str:
        return f"{self.url}/archive/{name}"

    def keep(self, name: str, folder: Path, at: datetime) -> Path:
        """Keep what is in `folder` now as the state of that time; returns where it is kept."""
        state = self._state(name, stamp_of(at))
        shutil.copytree(folder, state, copy_function=os.link, ignore=shutil.ignore_patterns("by-hash"))
        for file in filter(Path.is_file, state.rglob("*")):
            by_sha1 = self.root / "file" / hashlib.sha1(file.read_bytes()).hexdigest()
            if not by_sha1.exists():
                os.link(file, by_sha1)
        return state

    def lose(self, name: str, at: datetime) -> None:
        """The state of that time was never imported."""
        shutil.rmtree(self._state(name, stamp_of(at)))

    def states(self, name: str) -> list[str]:
        folder = self.root / "archive" / name
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def _state(self, name: str, stamp: str) -> Path:
        return self.root / "archive" / name / stamp

    def _answer(self, method: str, target: str, headers: Mapping[str, str]) -> Answer:
        meant = self._meant(target)
        answer = super()._answer(method, meant, headers)
        if meant.startswith("/archive/") and meant != target and answer.status in (200, 206, 404):
            return Answer(302, {"Location": meant, "Content-Length": "0"}, b"")
        return answer

    def _meant(self, target: str) -> str:
        """The target with the state that its time means, or the file with the answer of the API."""
        dated = _DATED.fullmatch(target)
        if dated:
            earlier = [stamp for stamp in self.states(dated["name"]) if stamp <= dated["stamp"]]
            return f"/archive/{dated['name']}/{earlier[-1]}{dated['rest']}" if earlier else target
        path = unquote(urlsplit(target).path)
        if not path.startswith("/mr/") or not self.has_api:
            return target
        files = _FILES.fullmatch(path)
        if files:
            return self._stored(path, self._package_files(files["kind"], files["package"], files["version"]))
        return self._stored(path, self._timestamps(parse_qs(urlsplit(target).query))) if "timestamp" in path else target

    def _stored(self, path: str, answer: object) -> str:
        """The answer as a file, at the same path, so that faults of that path act on it."""
        if answer is None:
            return path
        file = self.root / path.strip("/") / "answer"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"_api": "0.3", "_comment": "", **answer}))  # type: ignore[dict-item]
        return f"{path.rstrip('/')}/answer"

    def _timestamps(self, query: Mapping[str, list[str]]) -> dict[str, object]:
        (name,) = query["archive"]
        after, before = query.get("after", [""])[0], query.get("before", ["9"])[0]
        return {"result": {name: [stamp for stamp in self.states(name) if after < stamp < before]}}

    def _package_files(self, kind: str, package: str, version: str) -> dict[str, object] | None:
        info: dict[str, list[dict[str, object]]] = {}
        named = (package, version.partition(":")[2] or version, kind == "binary")
        for file, archive, stamp in self._pool():
            found = _POOL.fullmatch(file.name)
            is_binary = found is not None and found["architecture"] is not None
            if found and (found["package"], found["version"], is_binary) == named:
                path = f"/{file.relative_to(self._state(archive, stamp)).parent}"
                fields = {"archive_name": archive, "first_seen": stamp, "name": file.name, "path": path, "run": 1}
                info[hashlib.sha1(file.read_bytes()).hexdigest()] = [{**fields, "size": file.stat().st_size}]
        return {"result": [{"hash": sha1} for sha1 in info], "fileinfo": info} if info else None

    def _pool(self) -> Iterator[tuple[Path, str, str]]:
        for state in (self.root / "archive").glob("*/*"):
            for file in (state / "pool").rglob("*"):
                yield file, state.parent.name, state.name
