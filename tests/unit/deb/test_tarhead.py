# SPDX-License-Identifier: MIT
"""Heads of tar members, against Python's own tar and the machine's."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from aptfreeze.deb import tarhead
from aptfreeze.deb.deb822 import ParseError

LONG = "pool/" + "a-long-folder/" * 12 + "f" * 120


def archive(*files: tuple[str, bytes]) -> bytes:
    written = b""
    for path, content in files:
        written += tarhead.regular_file(path, len(content), mode=0o644, mtime=1_790_000_000)
        written += content + tarhead.padding(len(content))
    return written + tarhead.end(len(written))


@pytest.mark.parametrize("name", ["a", "x" * 100, "x" * 101, LONG, "caf\u00e9+~:"])
@pytest.mark.parametrize("size", [0, 1, 512, 1000])
def test_what_is_written_others_read(name: str, size: int) -> None:
    data = archive((name, b"c" * size), ("last", b"2"))

    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        first, last = tar.getmembers()
        assert (first.name, first.size, first.mode, first.mtime) == (name, size, 0o644, 1_790_000_000)
        assert (first.uid, first.gid, first.uname, first.gname, first.type) == (0, 0, "", "", tarfile.REGTYPE)
        content = tar.extractfile(last)
        assert content is not None
        assert (last.name, content.read()) == ("last", b"2")
    assert len(data) % 10240 == 0


def test_the_machine_s_tar_unpacks_it(tmp_path: Path) -> None:
    data = archive(("first", b"1"), (LONG, b"2" * 600))

    subprocess.run(["tar", "-x"], input=data, cwd=tmp_path, check=True)

    assert ((tmp_path / "first").read_bytes(), (tmp_path / LONG).read_bytes()) == (b"1", b"2" * 600)


@pytest.mark.parametrize("size", [0, 8**11 - 1, 8**11, 2**40])
def test_what_is_written_is_read_again(size: int) -> None:
    head = tarhead.regular_file("pool/x", size, mode=0o755, mtime=0)

    tarhead.check(head)
    assert (tarhead.name(head), tarhead.size(head)) == ("pool/x", size)
    assert tarhead.kind(head) in (b"0",)
    assert tarfile.TarInfo.frombuf(head, "utf-8", "strict").size == size


def test_a_name_of_ustar_has_two_parts() -> None:
    path = "folder/" * 20 + "file"
    head = tarfile.TarInfo(path).tobuf(tarfile.USTAR_FORMAT)

    assert tarhead.name(head) == path


def test_damage_is_refused() -> None:
    head = tarhead.regular_file("a", 1, mode=0o644, mtime=0)

    with pytest.raises(ParseError, match="wrong checksum"):
        tarhead.check(b"b" + head[1:])
    with pytest.raises(ParseError, match="the number b'x"):
        tarhead.number(b"x" * 12)
