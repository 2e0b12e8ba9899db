# SPDX-License-Identifier: MIT
"""The sweep is fine enough for the shortest limit, and rare with the usual ones."""

import pytest

from aptfreeze.serve.limits import Limits


@pytest.mark.parametrize(
    ("limits", "sweep_s"),
    [
        (Limits(), 1.0),
        (Limits(linger_s=60), 5.0),
        (Limits(head_s=0.4), 0.1),
        (Limits(idle_s=0.4), 0.1),
        (Limits(stall_s=0.4), 0.1),
        (Limits(linger_s=0.2), 0.1),
    ],
)
def test_the_sweep_follows_the_shortest_limit(limits: Limits, sweep_s: float) -> None:
    assert limits.sweep_s == pytest.approx(sweep_s)
