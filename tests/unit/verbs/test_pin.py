# SPDX-License-Identifier: MIT
"""A single file is frozen by its URL, once."""

import json
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.errors import MissingUpstreamError, OfflineError, RefusedError, UsageError
from aptfreeze.freeze.digest import Digest
from aptfreeze.verbs.pin import pin
from support.aptfreeze import Aptfreeze
from support.environments import open_in
from support.faults import Stall
from support.origin import Origin
from support.terminal import Terminal

FIRST, SECOND = b"first" * 1000, b"second"


@pytest.fixture
def served(origin: Origin) -> Origin:
    origin.root.mkdir(parents=True, exist_ok=True)
    (origin.root / "tool+1.tar").write_bytes(FIRST)
    return origin


def test_it_is_in_the_lock_file_and_in_the_archive(tmp_path: Path, served: Origin) -> None:
    opened = open_in(tmp_path)
    before = opened.store.init()

    pinned = pin(opened, f"{served.url}/tool%2b1.tar")

    name = f"{served.host}/tool+1.tar"
    assert dict(opened.store.load().extra) == {name: Digest.of(FIRST)}
    assert Objects(opened.settings.archive.path).read(Digest.of(FIRST)) == FIRST
    assert pinned.generation.id == before.id
    assert list(pinned.lines()) == [f"{name}: pinned now, {Digest.of(FIRST)}, 5.0 kB"]
    assert json.loads(json.dumps(pinned.data())) == {
        "generation": before.id,
        "url": name,
        "digest": str(Digest.of(FIRST)),
        "size": 5000,
        "pinned": "now",
    }


def test_what_is_pinned_stays_as_it_is_and_nobody_is_asked(tmp_path: Path, served: Origin) -> None:
    url = f"{served.url}/tool%2b1.tar?v=1"
    pin(open_in(tmp_path), url)
    (served.root / "tool+1.tar").write_bytes(SECOND)
    served.forget()

    again = pin(open_in(tmp_path, locked=True), url)

    assert (again.digest, again.size, again.is_new) == (Digest.of(FIRST), 5000, False)
    assert again.url.endswith("/tool+1.tar?v=1")
    assert served.count() == 0


def test_what_the_archive_lost_is_told(tmp_path: Path, served: Origin) -> None:
    url = f"{served.url}/tool%2b1.tar"
    opened = open_in(tmp_path)
    file = Objects(opened.settings.archive.path).path(pin(opened, url).digest)
    assert file is not None
    file.unlink()

    assert list(pin(opened, url).lines()) == [
        f"{served.host}/tool+1.tar: pinned before, {Digest.of(FIRST)}, not in the archive"
    ]


def test_it_is_pinned_under_its_repositorys_own_name(tmp_path: Path, served: Origin) -> None:
    opened = open_in(tmp_path)
    opened.environment.config_file.write_text(f'[mirrors]\n"mirror.example.org/x" = ["{served.url}"]\n')

    pin(open_in(tmp_path), f"{served.url}/tool%2b1.tar")

    assert list(opened.store.load().extra) == ["mirror.example.org/x/tool+1.tar"]


def test_locked_pins_nothing_and_asks_nobody(tmp_path: Path, served: Origin) -> None:
    open_in(tmp_path).store.init()
    with pytest.raises(RefusedError, match="is not pinned, and --locked forbids"):
        pin(open_in(tmp_path, locked=True), f"{served.url}/tool%2b1.tar")
    assert served.count() == 0


def test_offline_asks_nobody(tmp_path: Path, served: Origin) -> None:
    with pytest.raises(OfflineError, match="forbids to fetch it"):
        pin(open_in(tmp_path, offline=True), f"{served.url}/tool%2b1.tar")
    assert served.count() == 0


def test_what_does_not_exist_is_not_pinned(tmp_path: Path, served: Origin) -> None:
    opened = open_in(tmp_path)
    with pytest.raises(MissingUpstreamError):
        pin(opened, f"{served.url}/absent")
    assert dict(opened.store.load().extra) == {}


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("www.example.org/x", "no http:// or https:// URL"),
        ("ftp://www.example.org/x", "no http:// or https:// URL"),
        ("http://www.example.org/a/../b", r"'\.\.'"),
        ("http://www.example.org/a%20b", "path with blanks"),
        ("http://www.example.org/\N{SNOWMAN}", "percent-encode"),
        ("http://mirror.example.org/debian/dists/bookworm/InRelease", "a file of a suite"),
    ],
)
def test_what_cannot_be_pinned_makes_no_lock_file(tmp_path: Path, url: str, reason: str) -> None:
    opened = open_in(tmp_path)
    with pytest.raises(UsageError, match=reason):
        pin(opened, url)
    assert not opened.environment.lock_file.exists()


def test_a_large_file_is_shown_on_a_terminal_as_it_comes(aptfreeze: Aptfreeze, served: Origin) -> None:
    stall = Stall(after=1000)
    served.inject("*.tar", stall)
    line = aptfreeze.line("pin", "--archive", str(aptfreeze.archive), f"{served.url}/tool%2b1.tar")

    with Terminal(line, env=aptfreeze.environ, cwd=aptfreeze.environment) as terminal:
        terminal.wait_for(": tool+1.tar 20%")
        stall.release()
        assert terminal.ended() == 0

    pinned, last = terminal.rows
    assert pinned.startswith(f"{served.host}/tool+1.tar: pinned now, ")
    assert last == ""
