# SPDX-License-Identifier: MIT
"""A process that is written down can be told from another one with its number."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from aptfreeze.environment.process import Liveness, Process


def test_this_process_runs() -> None:
    assert Process.current("x").liveness() is Liveness.RUNNING


def test_it_survives_being_written_down() -> None:
    process = Process.current("aptfreeze run -- true")

    assert Process.from_record(json.loads(json.dumps(process.to_record()))) == process
    assert str(process) == f'"aptfreeze run -- true" (process {process.pid})'


def test_an_ended_process_has_ended() -> None:
    program = (
        "import json; from aptfreeze.environment.process import Process; "
        "print(json.dumps(Process.current('x').to_record()))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60).stdout

    assert Process.from_record(json.loads(told)).liveness() is Liveness.ENDED


def test_a_reused_number_is_not_the_same_process() -> None:
    process = Process.current("x")
    assert replace(process, started=process.started - 1).liveness() is Liveness.ENDED


def test_nothing_is_known_of_another_machine_or_boot() -> None:
    process = Process.current("x")
    assert replace(process, machine="elsewhere").liveness() is Liveness.UNKNOWN
    assert replace(process, machine="").liveness() is Liveness.UNKNOWN


def test_a_long_command_is_shortened() -> None:
    assert len(Process.current("x" * 5000).command) == 200


@pytest.mark.parametrize("record", [None, {}, [], {"pid": 3}, Process("x", 1, 2, "m").to_record() | {"pid": "1"}])
def test_other_records_are_refused(record: object) -> None:
    with pytest.raises(ValueError, match="not a process"):
        Process.from_record(record)
