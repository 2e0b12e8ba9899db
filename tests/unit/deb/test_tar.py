# SPDX-License-Identifier: MIT
"""Files out of a tar archive, as GNU tar and others write it; what dpkg would not read is refused."""

import io
import tarfile
from collections.abc import Callable

import pytest

from aptfreeze.deb.deb822 import ParseError
from aptfreeze.deb.tar import LARGEST_FILE, File, Link, files

GNU, USTAR, PAX = tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT
LONG = "usr/share/doc/" + "/".join(["a-long-name"] * 12) + "/" + "file" * 20
TEXT = b"content\n" * 200


def everything(path: str) -> bool:
    return True


def info(path: str, **fields: object) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    for name, value in fields.items():
        setattr(entry, name, value)
    return entry


def packed(*members: tuple[tarfile.TarInfo, bytes], form: int = GNU) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for entry, content in members:
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def read(
    data: bytes, wanted: Callable[[str], bool] = everything, *, step: int = 1 << 16, most: int = 1000
) -> list[File | Link]:
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    return list(files(pieces, wanted, most=most))


def link(path: str, target: str, kind: bytes) -> tuple[tarfile.TarInfo, bytes]:
    return info(path, type=kind, linkname=target), b""


@pytest.mark.parametrize("step", [1, 511, 512, 1 << 16])
@pytest.mark.parametrize("form", [GNU, USTAR])
def test_files_and_links_come_in_order_however_the_bytes_arrive(form: int, step: int) -> None:
    data = packed(
        (info("./usr", type=tarfile.DIRTYPE), b""),
        (info("./usr/first"), TEXT),
        (info("./usr/empty"), b""),
        link("./usr/soft", "../x/./y", tarfile.SYMTYPE),
        link("./usr/hard", "./usr/first", tarfile.LNKTYPE),
        (info("./dev/null", type=tarfile.CHRTYPE), b""),
        (info("./usr/last"), b"x" * 512),
        form=form,
    )
    assert read(data, step=step) == [
        File("usr/first", TEXT),
        File("usr/empty", b""),
        Link("usr/soft", "../x/./y", is_hard=False),
        Link("usr/hard", "usr/first", is_hard=True),
        File("usr/last", b"x" * 512),
    ]


def test_only_what_is_wanted_comes() -> None:
    data = packed((info("./a"), TEXT), (info("./b"), b"this"), link("./c", "b", tarfile.SYMTYPE))
    assert read(data, "b".__eq__) == [File("b", b"this")]


@pytest.mark.parametrize("form", [GNU, USTAR])
def test_a_long_name_is_whole_and_is_that_of_one_member(form: int) -> None:
    data = packed((info(f"./{LONG}"), b"1"), (info("./short"), b"2"), form=form)
    assert read(data) == [File(LONG, b"1"), File("short", b"2")]


def test_a_long_target_is_whole() -> None:
    data = packed(link("./soft", f"/{LONG}", tarfile.SYMTYPE), link("./other", "x", tarfile.SYMTYPE))
    assert read(data) == [Link("soft", f"/{LONG}", is_hard=False), Link("other", "x", is_hard=False)]


def test_what_follows_the_end_is_not_read() -> None:
    data = packed((info("a"), b"1")) + b"anything"
    assert read(data) == [File("a", b"1")]


def test_a_link_has_no_content_whatever_its_size_says() -> None:
    """As for dpkg, which goes on with the next header."""
    entry = info("hard", type=tarfile.LNKTYPE, linkname="a", size=700)
    data = entry.tobuf(tarfile.GNU_FORMAT) + packed((info("b"), b"2"))
    assert read(data) == [Link("hard", "a", is_hard=True), File("b", b"2")]


def test_sizes_in_base_256_are_read() -> None:
    header = bytearray(info("a", size=3).tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\x80" + (3).to_bytes(11, "big")
    assert read(with_sum(header) + b"abc".ljust(512, b"\0") + bytes(1024)) == [File("a", b"abc")]


def with_sum(header: bytearray) -> bytes:
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


@pytest.mark.parametrize("kept", [0, 1, 511, 512, 513, 1023, 2000])
def test_an_archive_without_its_end_is_cut_off(kept: int) -> None:
    data = packed((info("a"), TEXT), (info("b"), b"2"))
    for wanted in (everything, "c".__eq__):
        with pytest.raises(ParseError, match="cut off"):
            read(data[:kept], wanted)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (packed((info("\u00e9" * 60), b""), form=PAX), "kind b'x'"),
        (info("v", type=b"V").tobuf(tarfile.GNU_FORMAT), "kind b'V'"),
        (bytes(100) + b"x" + bytes(411), "wrong checksum"),
        (with_sum(bytearray(info("a").tobuf(tarfile.GNU_FORMAT)[:124] + b"not a number" + bytes(376))), "the number"),
        (info("a", size=LARGEST_FILE + 1).tobuf(tarfile.GNU_FORMAT), f"a in data.tar has {LARGEST_FILE + 1} bytes"),
        (info("a", type=b"L", size=5000).tobuf(tarfile.GNU_FORMAT), "a name in data.tar has 5000 bytes"),
        (packed(*[(info("a"), b"")] * 11), "more than 10 members"),
    ],
    ids=["pax", "volume", "checksum", "number", "large", "long name", "many"],
)
def test_what_is_damaged_or_too_much_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ParseError, match=reason):
        read(data, most=10)


def test_a_large_file_that_nobody_wants_is_no_harm() -> None:
    data = (
        info("large", size=LARGEST_FILE + 512).tobuf(tarfile.GNU_FORMAT)
        + bytes(LARGEST_FILE + 512)
        + packed((info("b"), b"2"))
    )
    assert read(data, "b".__eq__) == [File("b", b"2")]
