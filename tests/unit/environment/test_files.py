# SPDX-License-Identifier: MIT
"""Files are replaced as a whole or appended to by whole lines, and what fails is told by name."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aptfreeze.environment import files
from aptfreeze.errors import UsageError
from support.users import acting_as, folder_of, only_root


def test_replace_leaves_only_the_new_file(tmp_path: Path) -> None:
    files.replace(tmp_path / "a", b"old")
    files.replace(tmp_path / "a", b"new")

    assert (tmp_path / "a").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_the_bytes_are_on_the_disk_before_the_name_and_the_name_before_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def noted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            calls.append(name)
            return call(*arguments, **options)

        return run

    for name in ("write", "fsync", "replace"):
        monkeypatch.setattr(os, name, noted(name, getattr(os, name)))
    files.replace(tmp_path / "a", b"new")

    assert calls == ["write", "fsync", "replace", "fsync"]


def test_who_has_opened_the_old_file_keeps_it(tmp_path: Path) -> None:
    files.replace(tmp_path / "a", b"old")
    with (tmp_path / "a").open("rb") as opened:
        files.replace(tmp_path / "a", b"new")
        assert opened.read() == b"old"


def test_a_new_file_can_be_private_from_its_first_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []
    write = os.write

    def noted(descriptor: int, data: bytes) -> int:
        modes.append(os.fstat(descriptor).st_mode & 0o777)
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", noted)
    files.replace(tmp_path / "key", b"secret", mode=0o600)

    assert modes == [0o600]
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_what_is_followed_keeps_its_mode_and_the_link_to_it(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/lock").write_bytes(b"old")
    (tmp_path / "shared/lock").chmod(0o640)
    (tmp_path / "lock").symlink_to("shared/lock")

    files.replace(files.followed(tmp_path / "lock"), b"new")

    assert (tmp_path / "lock").is_symlink()
    assert (tmp_path / "shared/lock").read_bytes() == b"new"
    assert (tmp_path / "shared/lock").stat().st_mode & 0o777 == 0o640


def test_a_link_in_the_place_of_a_file_is_replaced_itself(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "provisional.json").symlink_to("precious")

    files.replace(tmp_path / "provisional.json", b"new")

    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert not (tmp_path / "provisional.json").is_symlink()


def test_a_link_with_the_name_of_the_new_file_leads_nowhere(tmp_path: Path) -> None:
    # A hostile checkout: whoever runs aptfreeze there, maybe root, must not write to where it points.
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / ".lock.new").symlink_to("precious")

    files.replace(tmp_path / "lock", b"new")

    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert (tmp_path / "lock").read_bytes() == b"new"
    assert not (tmp_path / "lock").is_symlink()
    (tmp_path / "log").symlink_to("precious")
    with pytest.raises(UsageError, match="cannot write"):
        files.append(tmp_path / "log", [{"a": 1}])
    assert (tmp_path / "precious").read_bytes() == b"precious"


@only_root
def test_what_another_user_was_killed_over_is_no_hindrance() -> None:
    with folder_of(4001, 0o2775, group=4100) as folder:
        (folder / "lock").write_bytes(b"old")
        with acting_as(4001, group=4100):
            (folder / ".lock.new").write_bytes(b"torn")
        with acting_as(4002, group=4100):
            files.replace(folder / "lock", b"new")
        assert (folder / "lock").read_bytes() == b"new"


@only_root
def test_what_root_makes_belongs_to_the_owner_of_the_folder(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12346)

    files.make_folder(tmp_path / "state/inner")
    files.replace(tmp_path / "lock", b"x")
    files.append(tmp_path / "state/inner/log", [{"a": 1}])

    for path in ("state", "state/inner", "lock", "state/inner/log"):
        found = (tmp_path / path).stat()
        assert (found.st_uid, found.st_gid) == (12345, 12346), path


def test_read_of_nothing_is_none(tmp_path: Path) -> None:
    assert files.read(tmp_path / "a") is None
    assert list(files.read_records(tmp_path / "a")) == []


def test_appended_records_come_back_in_order(tmp_path: Path) -> None:
    files.append(tmp_path / "log", [{"n": 1}, {"n": 2}])
    files.append(tmp_path / "log", [])
    files.append(tmp_path / "log", [{"n": 3, "text": "a\nb"}])

    assert [record["n"] for record in files.read_records(tmp_path / "log")] == [1, 2, 3]
    assert (tmp_path / "log").read_bytes().count(b"\n") == 3


def test_a_torn_last_line_loses_only_itself(tmp_path: Path) -> None:
    files.append(tmp_path / "log", [{"n": 1}, {"n": 2}])
    torn = (tmp_path / "log").read_bytes()[:-4]
    (tmp_path / "log").write_bytes(torn)

    assert list(files.read_records(tmp_path / "log")) == [{"n": 1}]
    files.append(tmp_path / "log", [{"n": 3}])
    assert list(files.read_records(tmp_path / "log")) == [{"n": 1}, {"n": 3}]


def test_lines_that_are_no_records_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b'3\n\xff\n{"n": 1}\n' + b"[" * 100_000 + b"\n\0\0\n")
    assert list(files.read_records(tmp_path / "log")) == [{"n": 1}]


def test_failures_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match=f"cannot read {tmp_path}: "):
        files.read(tmp_path)
    with pytest.raises(UsageError, match=r"cannot write .*file/a: Not a directory"):
        files.replace(tmp_path / "file/a", b"")
    with pytest.raises(UsageError, match=r"cannot write .*file/a: Not a directory"):
        files.append(tmp_path / "file/a", [{}])
    with pytest.raises(UsageError, match=r"cannot create .*file/a/b: "):
        files.make_folder(tmp_path / "file/a/b")


def test_a_full_disk_says_that_nothing_is_lost() -> None:
    with pytest.raises(UsageError, match="cannot write /dev/full: No space left on device") as raised:
        files.append(Path("/dev/full"), [{"n": 1}])
    assert raised.value.hint is not None
    assert "nothing that was written before is lost" in raised.value.hint


def test_a_private_key_that_others_can_read_is_refused_with_what_mends_it(tmp_path: Path) -> None:
    key = tmp_path / "key"
    assert files.read_private(key, "") is None
    key.write_bytes(b"secret")
    key.chmod(0o640)

    with pytest.raises(UsageError, match="mode 640") as caught:
        files.read_private(key, ", and make a new one")

    assert caught.value.hint == f"chmod 600 {key}, and make a new one"
    key.chmod(0o600)
    assert files.read_private(key, "") == b"secret"
