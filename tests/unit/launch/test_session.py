# SPDX-License-Identifier: MIT
"""The session folder and the session's values."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from aptfreeze.launch.session import session_folder
from support.sessions import make_session


def test_the_folder_is_readable_for_all_and_gone_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with session_folder() as folder:
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o777 == 0o755
        (folder / "sub").mkdir()
        (folder / "sub/file").touch()
    assert not list(tmp_path.iterdir())


def test_the_folder_goes_after_an_error_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(OSError, match="disk full"), session_folder():
        raise OSError("disk full")
    assert not list(tmp_path.iterdir())


def test_a_tmpdir_that_is_not_there_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    with session_folder() as folder:
        assert folder.is_dir()


def test_two_sessions_have_two_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with session_folder() as one, session_folder() as other:
        assert one != other


def test_naive_times_and_relative_folders_are_refused(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    with pytest.raises(ValueError, match="aware"):
        replace(session, created=datetime(2026, 11, 24))  # noqa: DTZ001 - that is the mistake
    with pytest.raises(ValueError, match="absolute"):
        replace(session, folder=Path("session"))
