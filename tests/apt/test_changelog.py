# SPDX-License-Identifier: MIT
"""The news of real packages, beside what dpkg's own tools read from the same files."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from aptfreeze.describe.news import news

pytestmark = [
    pytest.mark.online,
    pytest.mark.skipif(shutil.which("dpkg-parsechangelog") is None, reason="dpkg-dev is not installed"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the machine's own suite: with Debian's revision, native, and one without a changelog of its own."""
    folder = tmp_path_factory.mktemp("debs")
    names = ["hello", "base-files", "libgcc-s1"]
    subprocess.run(["apt-get", "download", *names], cwd=folder, check=True, capture_output=True, timeout=120)
    return folder


def the_deb(folder: Path, package: str) -> tuple[Path, str]:
    """Its path and its architecture."""
    (deb,) = folder.glob(f"{package}_*.deb")
    return deb, deb.stem.rpartition("_")[2]


@pytest.mark.parametrize("package", ["hello", "base-files"])
def test_the_entries_are_those_that_dpkg_parsechangelog_reads(folder: Path, tmp_path: Path, package: str) -> None:
    deb, architecture = the_deb(folder, package)
    subprocess.run(["dpkg-deb", "-x", str(deb), str(tmp_path)], check=True)
    found = next((tmp_path / "usr/share/doc" / package).glob("changelog*.gz"))
    text = subprocess.run(["gzip", "-dc", str(found)], check=True, capture_output=True).stdout
    line = ["dpkg-parsechangelog", "-l-", "--all", "--format", "rfc822"]
    said = subprocess.run(line, input=text, check=True, capture_output=True, timeout=60).stdout.decode()
    expected = re.findall(r"^Version: (.*)", said, re.MULTILINE)
    assert len(expected) >= 4

    all_news = news(deb, package, architecture, "0~")
    some_news = news(deb, package, architecture, expected[2])

    assert [entry.version for entry in all_news.entries] == expected
    assert [entry.version for entry in some_news.entries] == expected[:2]


def test_a_package_with_the_documents_of_another_names_it(folder: Path) -> None:
    deb, architecture = the_deb(folder, "libgcc-s1")
    found = news(deb, "libgcc-s1", architecture, "1")
    assert re.fullmatch(r"gcc-\d+-base", found.beside)
    assert found.beside in found.reason
