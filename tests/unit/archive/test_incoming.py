# SPDX-License-Identifier: MIT
"""What somebody else packed: read, and what is hostile or damaged in it is refused."""

import bz2
import gzip
import io
import lzma
import os
import tarfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from aptfreeze.archive.incoming import IncomingFolder, IncomingTar
from aptfreeze.errors import IntegrityError, UsageError

LONG = "repositories/" + "a-long-folder/" * 10 + "file"
GNU, PAX = tarfile.GNU_FORMAT, tarfile.PAX_FORMAT


def info(name: str, size: int = 0, **fields: object) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = size
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry


def packed(*members: tarfile.TarInfo, form: int = GNU) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return buffer.getvalue()


def incoming(data: bytes) -> IncomingTar:
    return IncomingTar(io.BytesIO(data), "it.tar")


def read(source: IncomingTar | IncomingFolder, paths: Iterable[str] = ()) -> dict[str, bytes]:
    return {arrival.path: arrival.read(1 << 20) for arrival in source.files(paths)}


def everything(source: IncomingTar) -> None:
    source.first("export.json", 100)
    read(source)


@pytest.mark.parametrize("prefix", ["", "./"])
def test_files_come_in_order_and_folders_are_passed_over(prefix: str) -> None:
    data = packed(
        info(f"{prefix}export.json", 3),
        info(f"{prefix}pool", type=tarfile.DIRTYPE),
        info(prefix + LONG, 600_000),
        info(f"{prefix}empty"),
    )
    source = incoming(data)

    assert source.first("export.json", 100) == b"xxx"
    assert read(source) == {LONG: b"x" * 600_000, "empty": b""}


def test_what_is_not_read_is_passed_over() -> None:
    source = incoming(packed(info("a", 1000), info("b", 1)))

    assert [arrival.path for arrival in source.files(())] == ["a", "b"]


def test_another_first_file_is_told() -> None:
    with pytest.raises(UsageError, match=r"it.tar does not begin with export.json, but with 'a'"):
        incoming(packed(info("a"), info("export.json"))).first("export.json", 100)
    with pytest.raises(UsageError, match="but with nothing"):
        incoming(packed()).first("export.json", 100)


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (info("a", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "'a' is a symbolic link"),
        (info("a", type=tarfile.LNKTYPE, linkname="export.json"), "'a' is a hard link"),
        (info("a", type=tarfile.CHRTYPE), "'a' is no regular file"),
        (info("a", type=tarfile.BLKTYPE), "'a' is no regular file"),
        (info("a", type=tarfile.FIFOTYPE), "'a' is no regular file"),
        (info("a", type=b"7"), "'a' is no regular file"),
        (info("a", type=tarfile.GNUTYPE_SPARSE), "'a' is no regular file"),
        (info("a", 5000, type=tarfile.GNUTYPE_LONGNAME), "a name of 5000 bytes"),
    ],
)
def test_what_is_no_regular_file_is_refused(member: tarfile.TarInfo, reason: str) -> None:
    source = incoming(packed(info("export.json"), member, info("b")))
    source.first("export.json", 100)

    with pytest.raises(UsageError, match=reason):
        read(source)


def test_what_another_program_packed_again_is_told_as_such() -> None:
    source = incoming(packed(info("export.json"), info("caf\u00e9" * 60), form=PAX))
    source.first("export.json", 100)

    with pytest.raises(UsageError, match=r"packed again by another program\nHint: unpack it"):
        read(source)


def test_an_archive_that_is_cut_off_anywhere_is_told() -> None:
    data = packed(info("export.json", 3), info(LONG, 700), info("b", 1))
    end = len(data.rstrip(b"\0")) // 512 * 512 + 512  # the blocks of zeros come behind

    for kept in [*range(0, end, 97), *range(0, end + 1, 512)]:
        with pytest.raises(IntegrityError, match=r"it.tar is cut off: it ends"):
            everything(incoming(data[:kept]))


@pytest.mark.parametrize(("pack", "program"), [(gzip.compress, "gzip"), (lzma.compress, "xz"), (bz2.compress, "bzip2")])
def test_a_compressed_archive_is_told_with_what_unpacks_it(pack: object, program: str) -> None:
    data = pack(packed(info("export.json", 3)))  # type: ignore[operator]  # three functions with their own options

    with pytest.raises(UsageError, match=f"is compressed by {program}\nHint: {program} -dc it.tar"):
        incoming(data + bytes(512)).first("export.json", 100)


def test_what_is_no_archive_is_told() -> None:
    with pytest.raises(UsageError, match="cannot be read as a tar archive"):
        incoming(b"text " * 1000).first("export.json", 100)


def test_what_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(UsageError, match="has 101 bytes, and more than 100"):
        incoming(packed(info("export.json", 101))).first("export.json", 100)


# --- folders ---


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "export"
    (root / "a/b").mkdir(parents=True)
    (root / "a/b/c").write_bytes(b"content")
    (root / "export.json").write_bytes(b"{}")
    return root


def test_a_folder_has_what_is_asked(folder: Path) -> None:
    source = IncomingFolder(folder)

    assert source.first("export.json", 100) == b"{}"
    assert read(source, ["a/b/c", "export.json"]) == {"a/b/c": b"content", "export.json": b"{}"}
    (arrival,) = source.files(["a/b/c"])
    assert arrival.file is not None


def test_a_folder_that_lacks_a_file_is_incomplete(folder: Path) -> None:
    with pytest.raises(IntegrityError, match="lacks a/b/d"):
        read(IncomingFolder(folder), ["a/b/d"])
    with pytest.raises(UsageError, match=r"is no export: it has no other\.json"):
        IncomingFolder(folder).first("other.json", 100)


@pytest.mark.parametrize("path", ["link", "way/c", "a/way/c"])
def test_no_symbolic_link_is_followed(folder: Path, path: str) -> None:
    (folder / "link").symlink_to("export.json")
    (folder / "way").symlink_to("a/b")
    (folder / "a/way").symlink_to(folder / "a/b")
    assert (folder / path).exists()

    with pytest.raises(UsageError, match="cannot be read as a file of an export"):
        read(IncomingFolder(folder), [path])


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe")

    with pytest.raises(UsageError, match="is no regular file"):
        read(IncomingFolder(folder), ["pipe"])


def test_what_is_not_readable_is_told(folder: Path) -> None:
    with pytest.raises(UsageError, match="is no regular file"):
        read(IncomingFolder(folder), ["a"])
