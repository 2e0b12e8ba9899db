# SPDX-License-Identifier: MIT
"""Files outside every suite: apt's are pinned by their URL, other programs' pass through and are counted."""

import json
from pathlib import Path

from support.apt import Apt
from support.aptfreeze import Aptfreeze, Serving
from support.client import ask
from support.origin import Origin
from support.repository import Repository

APT_HELPER = "/usr/lib/apt/apt-helper"


def _put(origin: Origin, text: str) -> str:
    """A key file on the mirror; its URL."""
    file = origin.root / "keys/vendor.asc"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return f"{origin.url}/keys/vendor.asc"


def test_what_apt_asks_is_frozen_for_every_client(
    aptfreeze: Aptfreeze, apt: Apt, origin: Origin, tmp_path: Path
) -> None:
    url = _put(origin, "first")
    aptfreeze.run([APT_HELPER, "download-file", url, str(tmp_path / "by-apt")], env=apt.environ).ok()
    _put(origin, "second")
    origin.forget()

    aptfreeze.run(["wget", "-q", "-O", str(tmp_path / "by-wget"), url]).ok()

    assert (tmp_path / "by-apt").read_text() == (tmp_path / "by-wget").read_text() == "first"
    assert list(aptfreeze.lock["extra"]) == [f"{origin.host}/keys/vendor.asc"]
    assert origin.asked() == []


def test_what_another_program_asks_passes_through_and_its_host_is_named(
    aptfreeze: Aptfreeze, origin: Origin, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.json"
    for text in ("first", "second"):
        url = _put(origin, text)
        done = aptfreeze.run(["wget", "-q", "-O", str(tmp_path / "file"), url], "--json", str(summary)).ok()
        assert (tmp_path / "file").read_text() == text

    assert origin.host in done.said_by("aptfreeze")
    assert origin.host in json.dumps(json.loads(summary.read_text())["not_frozen"])
    assert aptfreeze.lock["extra"] == {}


def test_a_missing_file_is_404_and_not_pinned(aptfreeze: Aptfreeze, frozen: Serving, origin: Origin) -> None:
    assert ask(frozen.proxy, f"{origin.url}/keys/missing.asc").status == 404
    assert aptfreeze.lock["extra"] == {}


def test_a_list_of_mirrors_is_frozen_like_every_other_file(
    repository: Repository, aptfreeze: Aptfreeze, apt: Apt, origin: Origin
) -> None:
    (origin.root / "mirrors.txt").write_text(f"{repository.url}/\n")
    apt.add(repository, url=f"mirror+{origin.url}/mirrors.txt")
    with aptfreeze.serve() as frozen:
        apt.use_proxy(frozen.proxy)
        apt.update().ok()
        apt.install("hello").ok()
        (origin.root / "mirrors.txt").write_text("http://gone.example.org/debian/\n")
        origin.forget()
        apt.clear_lists()
        apt.clear_archives()
        apt.update().ok()
        apt.install("hello").ok()

    assert list(apt.fetched()) == ["hello_1.0_amd64.deb"]
    assert list(aptfreeze.lock["extra"]) == [f"{origin.host}/mirrors.txt"]
    assert list(aptfreeze.pins) == [f"{origin.host}/debian bookworm"]
    assert origin.asked() == []
