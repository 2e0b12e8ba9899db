# SPDX-License-Identifier: MIT
"""What every supplier promises, whatever it is: one story, told for each of them."""

import hashlib
import json
import lzma
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.errors import MissingUpstreamError, UpstreamError
from aptfreeze.fetch.chain import Derived, MirrorUrl, Supplier
from aptfreeze.fetch.download import Downloads
from aptfreeze.fetch.priority import Priority
from aptfreeze.fetch.snapshot_files import Memory, dated_files, package_copies
from aptfreeze.fetch.turns import Standing
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.settings import FetchSettings
from support.askers import Asking
from support.faults import Flip, Status, Truncate
from support.origin import Origin

DATA = random.Random(3).randbytes(400_000)
PACKED = lzma.compress(DATA, preset=0)
WANTED = Wanted(Digest.of(DATA), len(DATA))


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Origin]:
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "data").write_bytes(DATA)
    (folder / "data.xz").write_bytes(PACKED)
    _as_a_snapshot_service(folder)
    with Origin(folder) as origin:
        yield origin


def _as_a_snapshot_service(folder: Path) -> None:
    sha1 = hashlib.sha1(DATA).hexdigest()
    info = {"archive_name": "debian", "name": "data", "size": len(DATA)}
    for name, data in {
        "snapshots/20261101T000000Z/data": DATA,
        f"file/{sha1}": DATA,
        "mr/binary/x/1/binfiles": json.dumps(
            {"_comment": 2000 * "-", "result": [], "fileinfo": {sha1: [info]}}
        ).encode(),
    }.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(data)


@pytest.fixture
def downloads(tmp_path: Path) -> Iterator[Downloads]:
    downloads = Downloads(Objects(tmp_path / "archive"), FetchSettings(retries=0))
    yield downloads
    downloads.close()


def mirror(origin: Origin) -> Supplier:
    return MirrorUrl(f"{origin.url}/data")


def derived(origin: Origin) -> Supplier:
    return Derived(Wanted(Digest.of(PACKED), len(PACKED)), ".xz", (MirrorUrl(f"{origin.url}/data.xz"),))


def in_a_state(origin: Origin) -> Supplier:
    return dated_files(Memory(), f"{origin.url}/snapshots", datetime(2026, 11, 1, tzinfo=UTC), "data")[0]


def by_its_sha1(origin: Origin) -> Supplier:
    entry = IndexEntry(WANTED, "x", "1", "amd64")
    return package_copies(Memory(), f"{origin.url}/archive/debian", entry, "data")[0]


SUPPLIERS = [pytest.param(each, id=each.__name__) for each in (mirror, derived, in_a_state, by_its_sha1)]
Make = Callable[[Origin], Supplier]


@pytest.mark.parametrize("make", SUPPLIERS)
class TestSupplier:
    def test_it_is_a_value(self, make: Make, origin: Origin) -> None:
        assert make(origin) == make(origin)
        assert len({make(origin), make(origin)}) == 1
        assert make(origin).name == make(origin).name

    @pytest.mark.parametrize("start", [0, 1, 100_000])
    def test_it_delivers_from_where_it_says(self, make: Make, origin: Origin, downloads: Downloads, start: int) -> None:
        with make(origin).open(downloads, WANTED, start, Asking()) as delivery:
            assert delivery.start in (0, start)
            assert b"".join(delivery.pieces) == DATA[delivery.start :]

    def test_what_it_delivers_becomes_an_object(self, make: Make, origin: Origin, downloads: Downloads) -> None:
        downloads.join(WANTED, [make(origin)]).wait(10)
        assert downloads.objects.read(WANTED.digest) == DATA

    def test_it_says_what_it_has_not_got(self, make: Make, origin: Origin, downloads: Downloads) -> None:
        origin.inject("*", Status(404))
        with pytest.raises(MissingUpstreamError):
            downloads.join(WANTED, [make(origin)]).wait(10)

    @pytest.mark.parametrize("fault", [Flip(1000), Truncate(100), Status(500), Status(403)])
    def test_its_failures_are_upstream_failures(
        self, make: Make, origin: Origin, downloads: Downloads, fault: Flip | Truncate | Status
    ) -> None:
        origin.inject("*", fault)
        with pytest.raises(UpstreamError) as caught:
            downloads.join(WANTED, [make(origin)]).wait(10)
        assert not isinstance(caught.value, MissingUpstreamError)
        assert not downloads.objects.has(WANTED.digest)

    def test_it_goes_on_behind_anothers_bytes(self, make: Make, origin: Origin, downloads: Downloads) -> None:
        origin.inject("/cut", Truncate(100_000))
        (origin.root / "cut").write_bytes(DATA)
        downloads.join(WANTED, [MirrorUrl(f"{origin.url}/cut?"), make(origin)]).wait(10)
        assert downloads.objects.read(WANTED.digest) == DATA

    def test_it_is_not_away_before_it_was_tried(self, make: Make, origin: Origin, downloads: Downloads) -> None:
        assert make(origin).standing(downloads) is not Standing.AWAY


def test_a_derived_file_survives_wrong_bytes_of_one_mirror(tmp_path: Path, downloads: Downloads) -> None:
    folder = tmp_path / "mirror"
    folder.mkdir()
    data = random.Random(7).randbytes(1_500_000)
    packed = lzma.compress(data, preset=0)
    for name in ("wrong", "right"):
        (folder / name).write_bytes(packed)
    with Origin(folder) as origin:
        origin.inject("/wrong", Flip(1000))
        both = tuple(MirrorUrl(f"{origin.url}/{name}") for name in ("wrong", "right"))
        supplier = Derived(Wanted(Digest.of(packed), len(packed)), ".xz", both)
        downloads.obtain(Wanted(Digest.of(data), len(data)), [supplier])
    assert downloads.objects.read(Digest.of(data)) == data


def test_prefetched_derived_files_do_not_wait_for_each_other(tmp_path: Path, downloads: Downloads) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    with Origin(folder) as origin:
        growths = []
        for number in range(20):
            data = random.Random(number).randbytes(5000)
            packed = lzma.compress(data, preset=0)
            (folder / f"{number}.xz").write_bytes(packed)
            sibling = Wanted(Digest.of(packed), len(packed))
            supplier = Derived(sibling, ".xz", (MirrorUrl(f"{origin.url}/{number}.xz"),))
            growths.append(downloads.join(Wanted(Digest.of(data), len(data)), [supplier], Priority.SOURCES))
        for growth in growths:
            growth.wait(20)
