# SPDX-License-Identifier: MIT
"""The folder with the sources: whole or not there, and never in the place of something else."""

import fcntl
import json
import os
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.describe import shipmenttext, sourcefolder
from aptfreeze.describe.shipment import CopyrightFile, Shipment
from aptfreeze.errors import IntegrityError, UsageError
from support.shipping import BASH, content, kept, of, shipment

FILES = ("bash_5.2-1.dsc", "bash_5.2.orig.tar.xz")
FOUND = shipment(of(BASH, kept("bash", "5.2-1", *FILES)), copyrights=(CopyrightFile(BASH, b"free"),))


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    objects = Objects(tmp_path / "archive")
    for file in FILES:
        objects.put(content(file))
    return objects


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "release").mkdir()
    return tmp_path / "release/sources"


def write(out: Path, objects: Objects, found: Shipment = FOUND) -> None:
    sourcefolder.refuse(out)
    sourcefolder.write(out, objects, found)


def test_a_folder_each_the_table_the_data_and_the_copyright_files(objects: Objects, out: Path) -> None:
    write(out, objects)

    files = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert files.keys() == {
        *("sources.json", "sources.tsv", "copyright/bash_5.2-1+b1_amd64"),
        *(f"bash_5.2-1/{file}" for file in FILES),
    }
    assert all(files[f"bash_5.2-1/{file}"] == content(file) for file in FILES)
    assert json.loads(files["sources.json"]) == shipmenttext.data(FOUND)
    assert files["sources.tsv"].decode().splitlines() == list(shipmenttext.table(FOUND))
    assert list(out.parent.iterdir()) == [out]


def test_the_bytes_are_there_once(objects: Objects, out: Path) -> None:
    write(out, objects)

    assert (out / "bash_5.2-1" / FILES[0]).stat().st_nlink == 2


def test_ours_and_an_empty_one_are_replaced(objects: Objects, out: Path) -> None:
    out.mkdir()
    write(out, objects)
    (out / "stray").mkdir()
    write(out, objects)

    assert not (out / "stray").exists()
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.parametrize("mark", ["", "nonsense", "[]", '{"format": "something else"}'])
def test_what_is_not_ours_is_left_alone(objects: Objects, out: Path, mark: str) -> None:
    out.mkdir()
    (out / "sources.json").write_text(mark)

    with pytest.raises(UsageError, match="is not empty, and no folder that aptfreeze sources has made"):
        write(out, objects)


def test_what_cannot_be_a_folder_is_told(objects: Objects, out: Path) -> None:
    out.write_text("")
    for path, told in (
        (out, "cannot use"),
        (out.parent / "none/below", "cannot write to"),
        (Path("/"), "cannot be replaced"),
    ):
        with pytest.raises(UsageError, match=told):
            sourcefolder.refuse(path)


def test_an_object_that_is_gone_or_damaged_leaves_what_was_there(objects: Objects, out: Path) -> None:
    write(out, objects)
    before = (out / "sources.tsv").read_bytes()
    path = objects.path(FOUND.kept[0].files[0].digest)
    assert path is not None
    path.chmod(0o644)
    path.write_bytes(b"damaged")

    for _ in range(2):  # it is in quarantine the second time
        with pytest.raises(IntegrityError):
            write(out, objects)

    assert (out / "sources.tsv").read_bytes() == before
    assert list(out.parent.iterdir()) == [out]


def test_what_a_killed_one_left_does_no_harm(objects: Objects, out: Path) -> None:
    left = out.with_name(".sources.new")
    (left / "bash_5.2-1").mkdir(parents=True)
    (left / "file").write_text("")

    write(out, objects)

    assert not (out / "file").exists()
    assert list(out.parent.iterdir()) == [out]


def test_two_at_once_do_not_mix(objects: Objects, out: Path) -> None:
    left = out.with_name(".sources.new")
    left.mkdir()
    other = os.open(left, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)

    with pytest.raises(UsageError, match="another aptfreeze is writing"):
        write(out, objects)
    os.close(other)
    write(out, objects)
