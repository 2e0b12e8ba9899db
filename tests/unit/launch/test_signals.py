# SPDX-License-Identifier: MIT
"""The signals of `run` with their senders; in processes of their own, since the reader wants no other thread."""

import subprocess
import sys

_LIMIT_S = 20


def script(text: str) -> subprocess.CompletedProcess[str]:
    start = "import os, signal, threading\nfrom aptfreeze.launch.signals import SignalReader\n"
    return subprocess.run([sys.executable, "-c", start + text], capture_output=True, text=True, timeout=_LIMIT_S)


def test_a_signal_comes_with_its_sender() -> None:
    told = script(
        "with SignalReader() as signals:\n"
        "    os.kill(os.getpid(), signal.SIGUSR2)\n"
        "    arrived = list(signals.read())\n"
        "    print([(a.number.name, a.sender == os.getpid(), a.by_kernel) for a in arrived], list(signals.read()))\n"
    )
    assert told.stdout == "[('SIGUSR2', True, False)] []\n", told.stderr


def test_what_arrived_until_the_end_is_consumed_and_later_signals_count_again() -> None:
    ended = script(
        "with SignalReader():\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "print('still here', flush=True)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    assert ended.stdout == "still here\n"
    assert ended.returncode == -15


def test_a_thread_that_runs_already_is_refused() -> None:
    refused = script(
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "try:\n"
        "    SignalReader().__enter__()\n"
        "except RuntimeError as error:\n"
        "    print(error)\n"
    )
    assert refused.stdout == "signals must be blocked before the first thread starts\n"
