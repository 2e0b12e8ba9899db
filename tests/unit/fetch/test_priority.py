# SPDX-License-Identifier: MIT
"""Who goes first."""

from aptfreeze.fetch.priority import Priority


def test_what_a_client_waits_for_goes_before_what_nobody_waits_for() -> None:
    assert sorted(Priority) == [Priority.DEMANDED, Priority.PREFETCHED, Priority.SOURCES, Priority.FORGONE]
