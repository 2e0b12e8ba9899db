# SPDX-License-Identifier: MIT
"""A root file system as a folder, as a tar archive and as a status file; and what is none."""

import bz2
import gzip
import io
import lzma
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from aptfreeze.describe.rootfs import Rootfs, read
from aptfreeze.errors import IntegrityError, UsageError

STATUS = b"""Package: zlib1g
Status: install ok installed
Version: 1:1.2.13
Architecture: amd64

Package: hello
Status: install ok installed
Version: 2.10-3
Architecture: amd64

Package: gone
Status: deinstall ok config-files
Version: 1
Architecture: amd64
"""
TZDATA = b"Package: tzdata\nVersion: 2024a\nArchitecture: all\n"
OS_RELEASE = b'# a comment\nID=debian\nVERSION_CODENAME="bookworm"\n'


def fill(root: Path) -> Path:
    (root / "var/lib/dpkg/status.d").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "var/lib/dpkg/status").write_bytes(STATUS)
    (root / "var/lib/dpkg/status.d/tzdata").write_bytes(TZDATA)
    (root / "var/lib/dpkg/status.d/tzdata.md5sums").write_bytes(b"0  usr/share/x\n")
    (root / "etc/os-release").write_bytes(OS_RELEASE)
    return root


def tar(root: Path, form: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        archive.add(root, ".")
    return buffer.getvalue()


def names(rootfs: Rootfs) -> list[str]:
    return [str(package) for package in rootfs.packages]


EXPECTED = ["hello 2.10-3 amd64", "tzdata 2024a all", "zlib1g 1:1.2.13 amd64"]


def test_a_folder_tells_its_packages_and_its_distribution(tmp_path: Path) -> None:
    rootfs = read(fill(tmp_path / "root"))

    assert names(rootfs) == EXPECTED
    assert rootfs.os_release == {"ID": "debian", "VERSION_CODENAME": "bookworm"}


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_tar_archive_tells_the_same(tmp_path: Path, compress: Callable[[bytes], bytes], form: int) -> None:
    archive = tmp_path / "image"
    archive.write_bytes(compress(tar(fill(tmp_path / "root"), form)))

    rootfs = read(archive)

    assert names(rootfs) == EXPECTED
    assert rootfs.os_release["ID"] == "debian"


def test_a_tar_archive_compressed_with_zstd_tells_the_same(tmp_path: Path) -> None:
    zstd = pytest.importorskip("backports.zstd")
    archive = tmp_path / "image.tar.zst"
    archive.write_bytes(zstd.compress(tar(fill(tmp_path / "root"))))

    assert names(read(archive)) == EXPECTED


def test_gnu_tar_with_extended_attributes_tells_the_same(tmp_path: Path) -> None:
    root, archive = fill(tmp_path / "root"), tmp_path / "image.tar"
    subprocess.run(["tar", "--xattrs", "--sparse", "-C", root, "-cf", archive, "."], check=True)

    assert names(read(archive)) == EXPECTED


def test_a_status_file_alone_tells_packages_and_no_distribution(tmp_path: Path) -> None:
    (tmp_path / "status").write_bytes(STATUS)

    rootfs = read(tmp_path / "status")

    assert names(rootfs) == ["hello 2.10-3 amd64", "zlib1g 1:1.2.13 amd64"]
    assert rootfs.os_release == {}


def test_links_lead_nowhere_but_into_the_root_file_system(tmp_path: Path) -> None:
    root = fill(tmp_path / "root")
    (root / "var/lib/dpkg").rename(root / "usr-dpkg")
    (root / "var/lib/dpkg").symlink_to("/usr-dpkg")
    (root / "etc/os-release").unlink()
    (root / "etc/os-release").symlink_to("../../../../outside")
    (tmp_path / "outside").write_bytes(b"ID=stolen\n")

    rootfs = read(root)

    assert names(rootfs) == EXPECTED
    assert rootfs.os_release == {}


def test_a_loop_of_links_is_no_list(tmp_path: Path) -> None:
    (tmp_path / "var").symlink_to("var")
    with pytest.raises(IntegrityError, match="does not tell its packages"):
        read(tmp_path)


@pytest.mark.parametrize("compress", [bytes, gzip.compress, lzma.compress])
@pytest.mark.parametrize("kept", [0.3, 0.5])
def test_an_archive_that_is_cut_off_is_no_shorter_list(
    tmp_path: Path, compress: Callable[[bytes], bytes], kept: float
) -> None:
    data = compress(tar(fill(tmp_path / "root")))
    (tmp_path / "image").write_bytes(data[: int(len(data) * kept)])

    with pytest.raises(IntegrityError, match="image cannot be read"):
        read(tmp_path / "image")


def test_an_archive_that_is_cut_off_between_two_members_is_no_shorter_list(tmp_path: Path) -> None:
    data = tar(fill(tmp_path / "root"))
    (tmp_path / "image").write_bytes(data[: len(data.rstrip(b"\0")) // 512 * 512 + 512])

    with pytest.raises(IntegrityError, match="cut off"):
        read(tmp_path / "image")


@pytest.mark.parametrize("data", [b"", b"\x7fELF" + bytes(600), b"neither this nor that\n"])
def test_what_is_no_root_file_system_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(IntegrityError, match="neither a tar archive nor a status file"):
        read(tmp_path / "file")


def test_a_broken_list_is_told_with_file_and_line(tmp_path: Path) -> None:
    root = fill(tmp_path / "root")
    (root / "var/lib/dpkg/status").write_bytes(STATUS + b"\nPackage: torn\nStatus: install ok installed\n")

    with pytest.raises(IntegrityError, match=r"var/lib/dpkg/status: line 16: 'torn' has Version ''"):
        read(root)


def test_a_folder_without_lists_is_told(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="does not tell its packages"):
        read(tmp_path)


def test_no_such_file_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no .*/nothing") as caught:
        read(tmp_path / "nothing")
    assert "a tar archive of one" in (caught.value.hint or "")
