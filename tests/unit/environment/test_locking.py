# SPDX-License-Identifier: MIT
"""One holder at a time, among threads and processes; who waits too long is told whom for."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from aptfreeze.environment.locking import exclusive
from aptfreeze.environment.process import Process
from aptfreeze.errors import UsageError
from support.users import acting_as, folder_of, only_root

HOLDER = """
import sys
from pathlib import Path
from aptfreeze.environment.locking import exclusive
from aptfreeze.environment.process import Process
with exclusive(Path(sys.argv[1]), Process.current("aptfreeze update")):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def mutex(tmp_path: Path) -> Path:
    return tmp_path / "mutex"


def test_the_waiting_one_is_told_who_holds_it_and_a_kill_frees_it(mutex: Path) -> None:
    arguments = [sys.executable, "-c", HOLDER, str(mutex)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"

        with (
            pytest.raises(UsageError, match=rf'held by "aptfreeze update" \(process {holder.pid}\); waited 0\.05 s'),
            exclusive(mutex, Process.current("x"), limit_s=0.05),
        ):
            pass
        holder.kill()
        holder.wait(10)

    with exclusive(mutex, Process.current("x"), limit_s=0.05):
        pass


def test_a_link_is_not_followed(mutex: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    mutex.symlink_to("precious")
    with pytest.raises(UsageError, match="cannot open the lock"), exclusive(mutex, Process.current("x")):
        pass
    assert (tmp_path / "precious").read_bytes() == b"precious"


@only_root
def test_what_root_has_locked_the_owner_of_the_folder_can_lock() -> None:
    with folder_of(4001) as folder:
        with exclusive(folder / "mutex", Process.current("sudo aptfreeze run")):
            pass
        with acting_as(4001), exclusive(folder / "mutex", Process.current("aptfreeze run")):
            pass


def test_threads_exclude_each_other(mutex: Path) -> None:
    inside = 0
    most = 0

    def enter() -> None:
        nonlocal inside, most
        with exclusive(mutex, Process.current("x"), limit_s=20):
            inside += 1
            most = max(most, inside)
            mutex.stat()
            inside -= 1

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert most == 1


def test_an_error_inside_frees_it(mutex: Path) -> None:
    with pytest.raises(KeyError), exclusive(mutex, Process.current("x")):
        raise KeyError
    with exclusive(mutex, Process.current("x"), limit_s=0):
        pass


def test_a_holder_that_left_no_name_is_another_command(mutex: Path) -> None:
    with exclusive(mutex, Process.current("x")):
        mutex.write_bytes(b"torn {")
        with (
            pytest.raises(UsageError, match="held by another aptfreeze command"),
            exclusive(mutex, Process.current("y"), limit_s=0),
        ):
            pass


def test_a_folder_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot open the lock"), exclusive(tmp_path / "a/b", Process.current("x")):
        pass
