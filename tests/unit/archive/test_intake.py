# SPDX-License-Identifier: MIT
"""Bytes from elsewhere become objects if they are what they should be."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aptfreeze.archive import intake
from aptfreeze.archive.objects import Objects
from aptfreeze.archive.partial import Partial
from aptfreeze.archive.placing import How
from aptfreeze.errors import IntegrityError, StorageError
from aptfreeze.freeze.digest import Algorithm, Digest, Wanted
from support.archive import every_object_verifies, objects_of, quarantined, rot

DATA = b"content" * 100_000
SHA256 = Digest.of(DATA)
SHA512 = Digest(Algorithm.SHA512, hashlib.sha512(DATA).hexdigest())
WANTED = Wanted(SHA256, len(DATA), (SHA512,))

Take = Callable[[bytes], How | None]


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "archive")


@pytest.fixture(params=["stream", "file"])
def take(request: pytest.FixtureRequest, objects: Objects, tmp_path: Path) -> Take:
    """Takes these bytes in as the wanted ones."""

    def by_stream(data: bytes) -> How | None:
        return intake.take(objects, WANTED, split(data), "it")

    def by_file(data: bytes) -> How | None:
        path = tmp_path / "file"
        path.unlink(missing_ok=True)  # the archive may share it
        path.write_bytes(data)
        fd = os.open(path, os.O_RDONLY)
        try:
            return intake.take_file(objects, WANTED, fd, split(data), "it")
        finally:
            os.close(fd)

    return by_file if request.param == "file" else by_stream


def split(data: bytes) -> Iterator[bytes]:
    yield from (data[at : at + 100_000] for at in range(0, len(data), 100_000))


def litter(objects: Objects) -> list[Path]:
    return [path for name in ("tmp", "partial") for path in (objects.layout.root / name).iterdir()]


def test_what_is_right_becomes_an_object_by_all_its_names(objects: Objects, take: Take) -> None:
    assert take(DATA) in (How.COPIED, How.LINKED, How.CLONED)

    assert objects.read(SHA256) == objects.read(SHA512) == DATA
    assert every_object_verifies(objects.layout.root) == 1
    assert litter(objects) == []


@pytest.mark.parametrize("data", [b"", DATA[:-1], DATA + b"x", b"x" + DATA[1:]])
def test_what_is_wrong_is_told_and_leaves_nothing(objects: Objects, take: Take, data: bytes) -> None:
    with pytest.raises(IntegrityError, match="it is damaged: "):
        take(data)

    assert objects_of(objects.layout.root) == {}
    assert litter(objects) == []


def test_what_is_held_is_not_stored_again_but_verified(objects: Objects, take: Take) -> None:
    take(DATA)
    inode = objects.layout.object(SHA256).stat().st_ino

    assert take(DATA) is None
    assert objects.layout.object(SHA256).stat().st_ino == inode
    with pytest.raises(IntegrityError):
        take(DATA[:-1])


def test_what_is_held_and_damaged_is_replaced(objects: Objects, take: Take) -> None:
    take(DATA)
    rot(objects.layout.root, SHA256.hex, 1000)

    assert take(DATA) is not None

    assert every_object_verifies(objects.layout.root) == 1
    assert quarantined(objects.layout.root) == {SHA256.hex}


def test_what_is_held_in_another_size_is_replaced(objects: Objects, take: Take) -> None:
    objects.put(DATA)
    path = objects.layout.object(SHA256)
    path.chmod(0o644)
    path.write_bytes(b"torn")

    assert take(DATA) is not None
    assert every_object_verifies(objects.layout.root) == 1


def test_what_a_killed_process_left_is_begun_anew(objects: Objects, take: Take) -> None:
    objects.layout.partial(SHA256).write_bytes(b"other bytes")

    take(DATA)

    assert every_object_verifies(objects.layout.root) == 1


def test_a_download_of_the_same_is_not_waited_for(objects: Objects, take: Take) -> None:
    with Partial(objects, WANTED) as partial:
        assert partial.is_mine

        take(DATA)

        assert every_object_verifies(objects.layout.root) == 1


def test_a_file_of_ours_is_shared(objects: Objects, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    with path.open("rb") as file:
        how = intake.take_file(objects, WANTED, file.fileno(), split(DATA), "it")

    assert how is How.LINKED
    assert path.stat().st_ino == objects.layout.object(SHA256).stat().st_ino
    assert path.stat().st_mode & 0o777 == 0o444


def test_a_file_that_others_can_write_to_is_copied(objects: Objects, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    path.chmod(0o666)
    with path.open("rb") as file:
        how = intake.take_file(objects, WANTED, file.fileno(), split(DATA), "it")

    assert how is How.COPIED
    assert path.stat().st_ino != objects.layout.object(SHA256).stat().st_ino


def test_an_archive_that_can_only_be_read_takes_nothing(tmp_path: Path) -> None:
    Objects(tmp_path / "archive")
    objects = Objects(tmp_path / "archive", read_only=True)

    with pytest.raises(StorageError, match="can only be read"):
        intake.take(objects, WANTED, split(DATA), "it")


def test_a_source_that_ends_in_an_error_leaves_nothing(objects: Objects) -> None:
    def broken() -> Iterator[bytes]:
        yield DATA[:1000]
        raise IntegrityError("cut off")

    with pytest.raises(IntegrityError, match="cut off"):
        intake.take(objects, WANTED, broken(), "it")

    assert litter(objects) == []
