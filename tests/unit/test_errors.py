# SPDX-License-Identifier: MIT
"""What every error tells, and the one table of exit statuses in the documentation."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from aptfreeze import errors
from aptfreeze.errors import BUG, CANCELLED, OWN_FAILURE_OF_RUN, SOMETHING_NEW, AptfreezeError, UsageError
from aptfreeze.launch.process import NOT_EXECUTABLE, NOT_FOUND, NotStartedError

TABLE = Path(__file__).parents[2] / "docs/reference/exit-codes.md"


def classes(root: type[AptfreezeError] = AptfreezeError) -> Iterator[type[AptfreezeError]]:
    """Those of errors.py."""
    if root.__module__ == errors.__name__:
        yield root
        for below in root.__subclasses__():
            yield from classes(below)


def documented(heading: str) -> dict[str, str]:
    """Status to the text beside it, of one table."""
    section = TABLE.read_text().split(f"## {heading}\n", 1)[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([^`]+)` \| (.*) \|$", section, re.MULTILINE))


def test_an_error_tells_what_happened_and_what_helps() -> None:
    assert str(UsageError("the lock is broken", hint="restore it")) == "the lock is broken\nHint: restore it"
    assert str(UsageError("the lock is broken")) == "the lock is broken"


@pytest.mark.parametrize("kind", list(classes()), ids=lambda kind: kind.__name__)
def test_every_error_has_a_row_in_the_table(kind: type[AptfreezeError]) -> None:
    assert f"`{kind.__name__}`" in documented("Every verb but `run`")[str(kind.exit_code)]


def test_the_table_names_no_error_that_does_not_exist() -> None:
    named = {name for text in documented("Every verb but `run`").values() for name in re.findall(r"`(\w+Error)`", text)}

    assert named == {kind.__name__ for kind in classes()}


def test_the_table_of_the_verbs_has_every_status_and_no_other() -> None:
    statuses = {0, BUG, SOMETHING_NEW, CANCELLED} | {kind.exit_code for kind in classes()}

    assert documented("Every verb but `run`").keys() == {str(status) for status in statuses}


def test_the_table_of_run_has_every_status_and_no_other() -> None:
    statuses = {OWN_FAILURE_OF_RUN, NOT_EXECUTABLE, NOT_FOUND}

    assert documented("`run`").keys() == {"COMMAND's", "128+n", *(str(status) for status in statuses)}


@pytest.mark.parametrize("kind", list(classes()), ids=lambda kind: kind.__name__)
def test_run_ends_by_every_error_in_the_same_way(kind: type[AptfreezeError]) -> None:
    assert kind("it failed").run_status == OWN_FAILURE_OF_RUN


def test_run_ends_as_a_shell_where_command_cannot_be_started() -> None:
    error = NotStartedError("no such file", hint=None, shell_status=NOT_FOUND)

    assert (error.run_status, error.exit_code) == (127, 2)


@pytest.mark.parametrize("kind", list(classes()), ids=lambda kind: kind.__name__)
def test_the_http_status_of_an_error_is_one_that_says_no(kind: type[AptfreezeError]) -> None:
    assert 400 <= kind.status < 600
