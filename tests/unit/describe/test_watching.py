# SPDX-License-Identifier: MIT
"""Looking at a command a few times a second, and showing what is seen."""

import threading
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.describe.progress import Line
from aptfreeze.describe.watching import fetching_of, watched
from aptfreeze.fetch.chain import MirrorUrl
from aptfreeze.fetch.download import Downloads
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.settings import FetchSettings
from support.faults import Stall
from support.origin import Origin
from support.serving import eventually

Shown = list[Line | None]


def test_it_looks_again_and_again_and_leaves_nothing() -> None:
    moments: list[float] = []
    shown: Shown = []
    enough = threading.Event()

    def look(now: float) -> Line:
        moments.append(now)
        return Line(f"{len(moments)}")

    def show(line: Line | None) -> None:
        shown.append(line)
        if len(shown) == 3:
            enough.set()

    with watched(look, show, every_s=0.001):
        assert enough.wait(30)

    assert shown[:3] == [Line("1"), Line("2"), Line("3")]
    assert shown[-1] is None
    assert moments == sorted(moments)


def test_what_is_over_at_once_is_not_shown() -> None:
    shown: Shown = []
    with watched(lambda now: Line("never"), shown.append, every_s=3600):
        pass
    assert shown == [None]


def test_what_fails_leaves_nothing_either() -> None:
    shown: Shown = []
    with pytest.raises(RuntimeError), watched(lambda now: None, shown.append, every_s=3600):
        raise RuntimeError
    assert shown == [None]


def test_without_a_terminal_nobody_looks() -> None:
    before = threading.active_count()
    with watched(lambda now: Line("never"), None, every_s=0.0):
        assert threading.active_count() == before


def test_what_is_being_fetched(origin: Origin, tmp_path: Path) -> None:
    data = b"x" * 100_000
    origin.root.mkdir(exist_ok=True)
    (origin.root / "Packages.xz").write_bytes(data)
    origin.inject("/Packages.xz", stall := Stall(after=50_000))
    downloads = Downloads(Objects(tmp_path / "archive"), FetchSettings())
    look = fetching_of(downloads)
    try:
        assert look(0.0) is None
        downloads.join(Wanted(Digest.of(data), len(data)), [MirrorUrl(f"{origin.url}/Packages.xz")])
        assert eventually(lambda: look(1.0) == Line("fetching 1 file, 50.0 kB/s", ("Packages.xz 50%",)))
    finally:
        stall.release()
        downloads.close()
