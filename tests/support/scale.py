# SPDX-License-Identifier: MIT
"""A large archive, and an environment whose builds used all of its packages; made, not built."""

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from aptfreeze.archive.objects import Objects
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.records import AskedIndex, Record, ServedPackage
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Pin, ReleasePair, SuiteKey
from support.keeping import pinned_environment

NOW = datetime(2026, 11, 24, tzinfo=UTC)
KEY = SuiteKey("mirror.example.org/debian", "bookworm")
_INDEX = "main/binary-amd64/Packages"
_STANZA = """\
Package: package-{0}
Version: 1.{0}-1
Architecture: amd64
Maintainer: Test Archive <archive@example.org>
Filename: pool/main/p/package-{0}/package-{0}_1.{0}-1_amd64.deb
Size: {1}
SHA256: {2}
Description: test package number {0}

"""


def large_environment(folder: Path, packages: int, others: int) -> Opened:
    """All packages are archived and were served; `others` are objects that nobody needs."""
    opened = pinned_environment(folder)
    archive = opened.settings.archive.path
    objects = Objects(archive)
    served = list(_packages(archive, packages))
    for number in range(others):
        _object(archive, b"other %d" % number)
    text = "".join(_STANZA.format(number, each.size, each.sha256.hex) for number, each in enumerate(served)).encode()
    index = objects.put(text)
    release = objects.put(
        f"Suite: bookworm\nCodename: bookworm\nDate: {NOW:%a, %d %b %Y %H:%M:%S} UTC\nArchitectures: amd64\n"
        f"Components: main\nSHA256:\n {index.hex} {len(text)} {_INDEX}\n".encode()
    )
    generation = opened.store.load()
    pin = Pin(ReleasePair(release, None), NOW, suite="bookworm", codename="bookworm")
    opened.store.add_provisional(generation.id, KEY, pin)
    opened.store.commit(generation.id, {KEY: pin})
    record = Record(opened.environment.records, generation.id, opened.process, NOW)
    record.asked(AskedIndex(KEY.repository, KEY.suite, _INDEX))
    for each in served:
        record.served(each)
    record.close(NOW, Digest.of(b"state"))
    return opened


def _packages(archive: Path, count: int) -> Iterator[ServedPackage]:
    for number in range(count):
        data = b"the bytes of package %d" % number
        name, version = f"package-{number}", f"1.{number}-1"
        path = f"pool/main/p/{name}/{name}_{version}_amd64.deb"
        sha256 = _object(archive, data)
        yield ServedPackage(name, version, "amd64", KEY.repository, KEY.suite, path, sha256, len(data))


def _object(archive: Path, data: bytes) -> Digest:
    """As `Objects.put` would make it, in a tenth of the time."""
    name = hashlib.sha256(data).hexdigest()
    folder = archive / "objects/sha256" / name[:2]
    folder.mkdir(exist_ok=True)
    fd = os.open(folder / name, os.O_WRONLY | os.O_CREAT, 0o444)
    os.write(fd, data)
    os.close(fd)
    return Digest.parse(f"sha256:{name}")
