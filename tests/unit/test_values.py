# SPDX-License-Identifier: MIT
"""A value is to everybody what `dataclass(frozen=True, slots=True)` would have made of its class."""

import copy
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace
from typing import Any

import pytest

from aptfreeze.values import immutable


@immutable
class Pair:
    """Two things."""

    left: int
    right: str = "r"


@immutable
class Other:
    left: int
    right: str = "r"


@immutable
class Nothing:
    pass


@immutable
class Checked:
    size: int
    parts: list[int] = field(default_factory=list)
    memo: Mapping[str, int] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("negative")

    def __repr__(self) -> str:
        return f"<{self.size}>"


@dataclass(frozen=True, slots=True)
class Standard:
    left: int
    right: str = "r"


def test_fields_are_given_in_order_by_name_or_by_default() -> None:
    assert (Pair(1).left, Pair(1).right) == (1, "r")
    assert Pair(1, "x") == Pair(right="x", left=1)
    with pytest.raises(TypeError):
        Pair()  # type: ignore[call-arg]


def test_each_instance_has_a_default_of_its_own() -> None:
    first, second = Checked(1), Checked(1)
    first.parts.append(3)

    assert (first.parts, second.parts) == ([3], [])


def test_nothing_can_be_changed_or_added() -> None:
    pair: Any = Pair(1)
    for name in ("left", "new"):
        with pytest.raises(FrozenInstanceError, match=name):
            setattr(pair, name, 2)
    with pytest.raises(FrozenInstanceError, match="left"):
        del pair.left
    assert pair == Pair(1)
    assert not hasattr(pair, "__dict__")


def test_equal_are_those_of_one_class_with_equal_fields() -> None:
    pair: object = Pair(1)
    assert pair == Pair(1)
    assert pair not in (Pair(2), Other(1), (1, "r"))
    assert Nothing() == Nothing()
    assert {Pair(1): "a", Other(1): "b", Nothing(): "c"} == {Nothing(): "c", Pair(1): "a", Other(1): "b"}


def test_a_field_that_is_not_compared_makes_no_difference() -> None:
    assert Checked(1, [], {"a": 1}) == Checked(1, [], {"b": 2})
    with pytest.raises(TypeError, match="unhashable"):
        hash(Checked(1))


def test_it_is_shown_as_it_was_made_unless_the_class_says_how() -> None:
    assert repr(Pair(1)) == "Pair(left=1, right='r')"
    assert repr(Nothing()) == "Nothing()"
    assert repr(Checked(1)) == "<1>"


def test_the_class_may_refuse_its_fields() -> None:
    with pytest.raises(ValueError, match="negative"):
        Checked(-1)


def test_the_functions_of_dataclasses_and_patterns_know_it() -> None:
    assert replace(Pair(1), right="x") == Pair(1, "x")
    assert asdict(Pair(1)) == {"left": 1, "right": "r"}
    assert [each.name for each in fields(Pair)] == ["left", "right"]
    match Pair(1):
        case Pair(left, right):
            assert (left, right) == (1, "r")


def test_it_can_be_copied_and_pickled() -> None:
    assert copy.copy(Checked(1, [2])) == copy.deepcopy(Checked(1, [2])) == Checked(1, [2])
    assert copy.copy(Pair(1)) == pickle.loads(pickle.dumps(Pair(1))) == Pair(1)


def test_its_init_is_annotated_as_that_of_a_dataclass() -> None:
    assert Pair.__init__.__annotations__ | {"return": None} == Standard.__init__.__annotations__
    assert (Pair.__doc__, Other.__doc__) == ("Two things.", "Other")
