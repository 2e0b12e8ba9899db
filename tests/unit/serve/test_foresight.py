# SPDX-License-Identifier: MIT
"""How long a build counts as one that asks for what is on a list."""

import pytest

from aptfreeze.serve.foresight import Foresight, Name

HELLO, OTHER = ("hello", "amd64"), ("other", "amd64")


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ([], True),
        ([OTHER] * 10, True),
        ([OTHER] * 11, False),
        ([HELLO, OTHER] * 50, True),
        ([HELLO] * 100 + [OTHER] * 10, True),
        ([HELLO] * 100 + [OTHER] * 11, False),
        ([OTHER] * 11 + [HELLO] * 11, True),
    ],
)
def test_it_holds_while_half_of_the_last_twenty_are_on_the_list(asked: list[Name], holds: bool) -> None:
    foresight = Foresight([HELLO])
    for name in asked:
        foresight.asked(name)
    assert foresight.holds is holds


def test_a_name_is_a_package_of_one_architecture() -> None:
    foresight = Foresight([HELLO])
    assert HELLO in foresight
    assert ("hello", "source") not in foresight
