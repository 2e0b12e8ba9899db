# SPDX-License-Identifier: MIT
from aptfreeze.launch.finding import Finding, Level
from aptfreeze.launch.notice import Notice


def test_a_remark_of_run_is_a_finding() -> None:
    assert Finding.of(Notice("it is so", "do this"), Level.NOTE, "since") == Finding(
        Level.NOTE, "it is so", "since", "do this"
    )
    assert Finding.of(Notice("it is so"), Level.OK).fix == ""
