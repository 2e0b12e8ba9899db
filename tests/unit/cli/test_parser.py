# SPDX-License-Identifier: MIT
"""The parser: what it takes, and how it refuses. What the verbs do with it is asked in test_cli."""

import argparse

import pytest

from aptfreeze.cli.parser import VERBS, build_parser
from aptfreeze.cli.verb import Verb
from aptfreeze.errors import UsageError
from aptfreeze.rows import ROWS


def verbs() -> dict[str, argparse.ArgumentParser]:
    (action,) = [each for each in build_parser()._actions if isinstance(each, argparse._SubParsersAction)]
    return dict(action.choices)


def test_every_flag_of_the_settings_is_taken_by_run_and_serve() -> None:
    for name in ("run", "serve"):
        taken = {flag for action in verbs()[name]._actions for flag in action.option_strings}
        assert {row.flag for row in ROWS if row.flag} <= taken, name


def test_a_flag_that_was_not_given_does_not_hide_its_variable() -> None:
    options = build_parser().parse_args(["run", "--", "true"])
    assert (options.locked, options.offline, options.env, options.archive) == (None, None, None, None)


def test_the_words_behind_the_dashes_belong_to_the_command() -> None:
    options = build_parser().parse_args(["run", "--locked", "--", "sh", "-c", "true", "--json"])
    assert options.locked is True
    assert options.json is None
    assert options.command[-4:] == ["sh", "-c", "true", "--json"]


@pytest.mark.parametrize("words", [[], ["thaw"], ["status", "--locked"], ["serve", "--watch-pid", "x"], ["--vers"]])
def test_a_mistake_is_told_with_the_help_that_fits(words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        build_parser().parse_args(words)
    assert "--help" in (caught.value.hint or "")


@pytest.mark.parametrize("name", sorted(verbs()))
def test_every_verb_has_an_example(name: str) -> None:
    assert f"  aptfreeze {name}" in verbs()[name].format_help() or name in ("config", "serve")


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_a_verb_alone_is_what_it_is_among_all(verb: Verb, capsys: pytest.CaptureFixture[str]) -> None:
    for parser in (build_parser(), build_parser([verb])):
        with pytest.raises(SystemExit, match=r"^0$"):
            parser.parse_args([verb.name, "--help"])
    alone_and_among_all = capsys.readouterr().out.split("usage: ")[1:]

    assert len(alone_and_among_all) == 2
    assert len(set(alone_and_among_all)) == 1
