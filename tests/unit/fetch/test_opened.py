# SPDX-License-Identifier: MIT
"""An archive that is opened with all that reads from it."""

from pathlib import Path

import pytest

from aptfreeze.archive.growth import GrowthState
from aptfreeze.errors import OfflineError
from aptfreeze.fetch.chain import MirrorUrl
from aptfreeze.fetch.opened import open_archive
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.rows import from_values
from aptfreeze.settings import Settings, Sourced
from support.defaults import defaults
from support.origin import Origin


def settings_for(folder: Path) -> Settings:
    values = defaults() | {"archive.path": Sourced(folder / "archive")}
    return from_values(values)


def test_the_parts_share_one_archive(tmp_path: Path) -> None:
    with open_archive(settings_for(tmp_path)) as archive:
        digest = archive.objects.put(b"content")
        assert archive.downloads.join(Wanted(digest, 7), []).state is not GrowthState.FAILED
        assert archive.lookup(offline=True).objects is archive.objects
    assert (tmp_path / "archive/version").exists()


def test_offline_names_no_supplier(tmp_path: Path) -> None:
    with open_archive(settings_for(tmp_path)) as archive:
        (supplier,) = archive.lookup(offline=False).suppliers("mirror.example.org/debian", "pool/x.deb")
        assert supplier.name == "http://mirror.example.org/debian/pool/x.deb"
        with pytest.raises(OfflineError, match=r"pool/x\.deb is not in the archive"):
            archive.lookup(offline=True).suppliers("mirror.example.org/debian", "pool/x.deb")


def test_downloads_end_with_it(tmp_path: Path, origin: Origin) -> None:
    with open_archive(settings_for(tmp_path)) as archive:
        downloads = archive.downloads
    growth = downloads.join(Wanted(Digest.of(b"x"), 1), [MirrorUrl(f"{origin.url}/x")])
    assert growth.state is GrowthState.FAILED
    assert origin.count() == 0
