# SPDX-License-Identifier: MIT
"""One file of an archive: is it what its name says?"""

import hashlib
import os
import threading
from pathlib import Path

import pytest

from aptfreeze.archive.examine import Finding, Kind, Reading, examine
from aptfreeze.archive.objects import Objects
from aptfreeze.archive.table import write
from aptfreeze.freeze.digest import Algorithm, Digest

DATA = b"the bytes of a package"
SHA256 = Digest.of(DATA)
SHA512 = Digest(Algorithm.SHA512, hashlib.sha512(DATA).hexdigest())


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    """With one object, which has an alias."""
    objects = Objects(tmp_path)
    part = objects.layout.temporary()
    part.write_bytes(DATA)
    objects.adopt(part, SHA256, [SHA512])
    return objects


def look(objects: Objects, path: Path) -> Finding | None:
    return examine(objects.layout, str(path.relative_to(objects.layout.root)), Reading())


def fault(objects: Objects, path: Path) -> tuple[Kind, str]:
    found = look(objects, path)
    assert found is not None
    return found.kind, found.fault


def replaced(path: Path, data: bytes) -> Path:
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(0o444)
    return path


def test_an_object_in_order(objects: Objects) -> None:
    path = objects.layout.object(SHA256)

    found = look(objects, path)

    assert found == Finding(Kind.OBJECT, str(path.relative_to(objects.layout.root)), len(DATA), "", SHA256)


def test_an_empty_object_may_be_one(objects: Objects) -> None:
    assert fault(objects, objects.layout.object(objects.put(b""))) == (Kind.OBJECT, "")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty"),
        (DATA[:-1], f"its {len(DATA) - 1} bytes are {Digest.of(DATA[:-1])}"),
        (b"T" + DATA[1:], f"its {len(DATA)} bytes are {Digest.of(b'T' + DATA[1:])}"),
    ],
    ids=["empty", "short", "flipped"],
)
def test_damaged_objects(objects: Objects, data: bytes, told: str) -> None:
    assert fault(objects, replaced(objects.layout.object(SHA256), data)) == (Kind.OBJECT, told)


@pytest.mark.parametrize("name", ["README", "ab/README", f"ab/{SHA256.hex}", SHA256.hex, f"{SHA256.hex[:2]}/ABCD"])
def test_a_name_that_does_not_belong_there(objects: Objects, name: str) -> None:
    path = objects.layout.root / "objects/sha256" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(DATA)

    kind, told = fault(objects, path)

    assert kind is Kind.STRAY
    assert told in ("its name is no sha256", "it lies in the wrong folder")


def test_what_is_no_file_is_not_opened(objects: Objects) -> None:
    pipe, link = objects.layout.root / "objects/pipe", objects.layout.root / "objects/link"
    os.mkfifo(pipe)
    link.symlink_to("nowhere")

    assert fault(objects, pipe) == (Kind.STRAY, "is no file, or a folder that cannot be read")
    assert fault(objects, link) == (Kind.STRAY, "a link that leads nowhere")


def test_what_is_gone_is_no_fault(objects: Objects) -> None:
    assert look(objects, objects.layout.object(Digest.of(b"gone"))) is None
    assert look(objects, objects.layout.alias(Digest(Algorithm.SHA512, "a" * 128))) is None
    assert look(objects, objects.layout.index(SHA256)) is None
    assert look(objects, objects.layout.quarantined(SHA256)) is None


def test_an_object_that_is_replaced_while_it_is_read_is_read_again(objects: Objects) -> None:
    path = replaced(objects.layout.object(SHA256), b"rotten")

    class Replacing(Reading):
        def fingerprint(self, fd: int, algorithms: object = ()) -> object:  # type: ignore[override]  # any will do
            found = super().fingerprint(fd)
            good = objects.layout.temporary()
            good.write_bytes(DATA)
            good.rename(path)
            return found

    found = examine(objects.layout, str(path.relative_to(objects.layout.root)), Replacing())
    assert found is not None
    assert found.fault == ""


def test_who_may_write_and_who_has_another_name_is_told(objects: Objects) -> None:
    path = objects.layout.object(SHA256)
    path.chmod(0o644)
    (objects.layout.root / "copy").hardlink_to(path)

    found = look(objects, path)

    assert found is not None
    assert (found.fault, found.is_writable, found.is_linked) == ("", True, True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SHA256.hex + "\n", ""),
        (Digest.of(b"not held").hex + "\n", ""),
        ("torn", "it holds no sha256"),
        ("\xff\xfe", "it holds no sha256"),
    ],
)
def test_aliases(objects: Objects, text: str, told: str) -> None:
    path = objects.layout.alias(SHA512)
    path.write_text(text, "latin-1")

    assert fault(objects, path) == (Kind.ALIAS, told)


def test_an_alias_to_another_object(objects: Objects) -> None:
    other = objects.put(b"other")
    path = objects.layout.alias(SHA512)
    path.write_text(other.hex + "\n")

    assert fault(objects, path) == (
        Kind.ALIAS,
        f"the object {other} that it names is sha512:{hashlib.sha512(b'other').hexdigest()}",
    )
    replaced(objects.layout.object(other), b"rotten")
    assert fault(objects, path) == (Kind.ALIAS, "")  # it is the object's fault


@pytest.mark.parametrize("name", ["x", "sha512/x", "md4/aa/x", f"sha512/aa/{SHA512.hex}"])
def test_aliases_that_do_not_belong_there(objects: Objects, name: str) -> None:
    path = objects.layout.root / "aliases" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SHA256.hex)

    assert fault(objects, path) == (Kind.STRAY, "its name is no digest")


def test_tables(objects: Objects) -> None:
    path = objects.layout.index(SHA256)
    write(path, "packages", [])
    assert fault(objects, path) == (Kind.TABLE, "")

    replaced(path, path.read_bytes()[:100])
    kind, told = fault(objects, path)

    assert kind is Kind.TABLE
    assert told
    path.rename(path.with_name("sha256-x.sqlite"))
    assert fault(objects, path.with_name("sha256-x.sqlite"))[0] is Kind.STRAY


def test_what_lies_in_quarantine_is_a_fault_only_while_there_is_no_other(objects: Objects) -> None:
    path = objects.layout.quarantined(SHA256)
    path.write_bytes(b"rotten")
    assert fault(objects, path) == (Kind.QUARANTINED, "")

    objects.layout.object(SHA256).unlink()

    assert fault(objects, path) == (
        Kind.QUARANTINED,
        f"is in quarantine: its 6 bytes are {Digest.of(b'rotten')}",
    )
    path.write_bytes(DATA)
    assert fault(objects, path) == (Kind.QUARANTINED, "is in quarantine although its bytes are right")


def test_reading_ends_when_it_is_stopped(objects: Objects) -> None:
    reading = Reading()
    reading.stop.set()

    with pytest.raises(InterruptedError):
        examine(objects.layout, str(objects.layout.object(SHA256).relative_to(objects.layout.root)), reading)


def test_what_was_read_is_counted_by_all_threads(objects: Objects) -> None:
    reading, path = Reading(), objects.layout.object(SHA256)
    file = str(path.relative_to(objects.layout.root))
    threads = [threading.Thread(target=examine, args=(objects.layout, file, reading)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert reading.size == 8 * len(DATA)
