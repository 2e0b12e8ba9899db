# SPDX-License-Identifier: MIT
"""Waiting for a process by its descriptor."""

import asyncio
import signal
import subprocess
import threading

import pytest

from aptfreeze.errors import UsageError
from aptfreeze.launch.pidfd import ProcessHandle


def test_the_watch_ends_with_the_process() -> None:
    async def watch(cat: "subprocess.Popen[bytes]", handle: ProcessHandle) -> None:
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(handle.ended())
            await asyncio.sleep(0)
            assert not watching.done()
            assert cat.stdin
            cat.stdin.close()  # its end of input

    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as cat, ProcessHandle(cat.pid) as handle:
        asyncio.run(asyncio.wait_for(watch(cat, handle), 10))


def test_a_process_that_has_ended_but_is_not_yet_waited_for_counts_as_ended() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as cat:
        handle = ProcessHandle(cat.pid)
        cat.kill()
        asyncio.run(asyncio.wait_for(handle.ended(), 10))
        handle.send(signal.SIGTERM)
        cat.wait()
        handle.send(signal.SIGTERM)  # nobody there any more: no error, and nobody else is hit
        handle.close()


@pytest.mark.parametrize("pid", [-1, 0, 2**22 + 1, 2**70])
def test_no_such_process_is_an_error_at_once(pid: int) -> None:
    with pytest.raises(UsageError, match=f"no process {pid}"):
        ProcessHandle(pid)


def test_a_thread_is_no_process() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    with pytest.raises(UsageError, match="no process"):
        ProcessHandle(thread.native_id or 0)
    stop.set()
    thread.join()


def test_a_watch_can_be_given_up_and_taken_up_again() -> None:
    async def watch_twice(handle: ProcessHandle, cat: "subprocess.Popen[bytes]") -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(handle.ended(), 0.01)
        cat.kill()
        await asyncio.wait_for(handle.ended(), 10)

    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as cat, ProcessHandle(cat.pid) as handle:
        asyncio.run(watch_twice(handle, cat))
