# SPDX-License-Identifier: MIT
"""What is new in a package, from real .debs in every form that the policy allows, and from what is none."""

import gzip
import os
from pathlib import Path

import pytest

from aptfreeze.describe.news import News, news
from support import debs
from support.debs import To, zipped
from support.packages import Binary, ar, tar

DOC = "usr/share/doc/hello"


def told(deb: Path | int, after: str = "1.0-1") -> News:
    return news(deb, "hello", "amd64", after)


def versions(found: News) -> list[str]:
    assert found.reason == ""
    assert found.beside == ""
    return [entry.version for entry in found.entries]


@debs.needs_dpkg_deb
@pytest.mark.parametrize("compression", ["xz", "gzip", "zstd", "none"])
def test_the_entries_after_a_version_newest_first(tmp_path: Path, compression: str) -> None:
    files = {
        f"{DOC}/changelog.Debian.gz": zipped("1.2-1", "1.1-1", "1.0-1", "0.9-1"),
        f"{DOC}/changelog.gz": b"upstream",
    }
    found = told(debs.build(tmp_path, files, compression=compression))
    assert versions(found) == ["1.2-1", "1.1-1"]
    assert found.text == debs.changelog("1.2-1", "1.1-1").decode().rstrip()


@debs.needs_dpkg_deb
@pytest.mark.parametrize("name", ["changelog.gz", "changelog", "changelog.Debian"])
def test_a_changelog_has_one_of_several_names(tmp_path: Path, name: str) -> None:
    content = zipped("1.1", "1.0") if name.endswith(".gz") else debs.changelog("1.1", "1.0")
    assert versions(told(debs.build(tmp_path, {f"{DOC}/{name}": content}), "1.0")) == ["1.1"]


@debs.needs_dpkg_deb
def test_a_rebuild_for_one_architecture_comes_first(tmp_path: Path) -> None:
    files = {
        f"{DOC}/changelog.Debian.amd64.gz": zipped("1.1-1+b2"),
        f"{DOC}/changelog.Debian.arm64.gz": zipped("1.1-1+b9"),
        f"{DOC}/changelog.Debian.gz": zipped("1.1-1", "1.0-1"),
    }
    deb = debs.build(tmp_path, files)
    assert versions(told(deb, "1.0-1")) == ["1.1-1+b2", "1.1-1"]
    assert versions(told(deb, "1.1-1+b1")) == ["1.1-1+b2"]


@debs.needs_dpkg_deb
def test_a_link_inside_of_the_package_is_followed(tmp_path: Path) -> None:
    files: dict[str, bytes | To] = {
        f"{DOC}/changelog.gz": zipped("1.1", "1.0"),
        f"{DOC}/changelog.Debian.gz": To("changelog.gz"),
    }
    assert versions(told(debs.build(tmp_path, files), "1.0")) == ["1.1"]


@debs.needs_dpkg_deb
@pytest.mark.parametrize(
    ("path", "target", "leads_to"),
    [
        (DOC, "hello-base", "usr/share/doc/hello-base"),
        (DOC, "/usr/share/doc/hello-base", "usr/share/doc/hello-base"),
        (
            f"{DOC}/changelog.Debian.gz",
            "../hello-base/changelog.Debian.gz",
            "usr/share/doc/hello-base/changelog.Debian.gz",
        ),
    ],
)
def test_a_link_to_another_package_names_it(tmp_path: Path, path: str, target: str, leads_to: str) -> None:
    found = told(debs.build(tmp_path, {path: To(target)}))
    assert found == News((), f"has no changelog of its own: {path} is a link to {leads_to}", "hello-base")
    assert found.text == found.reason


@debs.needs_dpkg_deb
@pytest.mark.parametrize("target", ["changelog.Debian.gz", "../../../../../etc/passwd"], ids=["itself", "out"])
def test_a_link_to_nowhere_is_no_other_package(tmp_path: Path, target: str) -> None:
    found = told(debs.build(tmp_path, {f"{DOC}/changelog.Debian.gz": To(target)}))
    assert "is a link to" in found.reason
    assert (found.entries, found.beside) == ((), "")


@debs.needs_dpkg_deb
@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"usr/x": b""}, f"has no changelog in {DOC}"),
        ({f"{DOC}/changelog.gz": zipped("1.0-1")}, "has no changelog entry after 1.0-1 (its newest is 1.0-1)"),
        ({f"{DOC}/changelog.gz": gzip.compress(b"v2: faster")}, "has a changelog without any entry in Debian's form"),
        ({f"{DOC}/changelog.gz": b"plain"}, f"cannot be read: its {DOC}/changelog.gz: damaged .gz data"),
        (
            {f"{DOC}/changelog.gz": zipped("1.1")[:-9]},
            f"cannot be read: its {DOC}/changelog.gz: .gz data is cut off",
        ),
    ],
    ids=["none", "not newer", "upstream's", "not compressed", "cut off"],
)
def test_where_there_are_no_news_the_reason_is_told(tmp_path: Path, files: dict[str, bytes], reason: str) -> None:
    found = told(debs.build(tmp_path, files))
    assert found.reason.startswith(reason)
    assert found.entries == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot be read: it is no ar archive"),
        (Binary("hello", "1.0").build()[:300], "cannot be read: it ends before its data.tar"),
        (ar({"debian-binary": b"2.0\n", "data.tar.xz": tar({})}), "cannot be read: damaged .xz data"),
    ],
)
def test_what_is_no_package_is_a_reason_too(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "x.deb").write_bytes(content)
    assert told(tmp_path / "x.deb").reason.startswith(reason)


def test_a_file_that_is_not_there_is_a_reason_too(tmp_path: Path) -> None:
    assert told(tmp_path / "x.deb").reason == "cannot be read: No such file or directory"
    assert told(tmp_path).reason == "cannot be read: Is a directory"


def test_a_descriptor_stays_open(tmp_path: Path) -> None:
    doc = tar({f"{DOC}/changelog.gz": zipped("1.1-1", "1.0-1")})
    (tmp_path / "x.deb").write_bytes(ar({"debian-binary": b"2.0\n", "control.tar": b"", "data.tar": doc}))
    descriptor = os.open(tmp_path / "x.deb", os.O_RDONLY)
    try:
        assert versions(told(descriptor)) == versions(told(descriptor)) == ["1.1-1"]
    finally:
        os.close(descriptor)
