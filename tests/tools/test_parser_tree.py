# SPDX-License-Identifier: MIT
"""The command line as values: what `--help` shows is there, what it hides is not."""

from __future__ import annotations

import argparse

from parser_tree import command_line


def small_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="prog", description="Does things.\n\nA second paragraph.")
    parser.add_argument("--color", choices=["always", "never"], default="never", help="colours (default: %(default)s)")
    parser.add_argument("--secret", help=argparse.SUPPRESS)
    verbs = parser.add_subparsers(dest="verb")
    run = verbs.add_parser("run", help="run a command", description="Runs a command.\n\n  prog run -- ls")
    run.add_argument("--env", "-e", metavar="DIR", help="the environment's folder")
    run.add_argument("--offline", action="store_true", help="no network")
    run.add_argument("command", nargs="+", metavar="COMMAND", help="what to run")
    verbs.add_parser("debug", help=argparse.SUPPRESS)
    return parser


def test_verbs_flags_and_arguments_are_told() -> None:
    tree = command_line(small_parser())

    (run,) = tree.verbs
    assert tree.program == "prog"
    assert (run.name, run.summary) == ("run", "run a command")
    assert [(option.flags, option.value) for option in run.options] == [
        (("-h", "--help"), ""),
        (("--env", "-e"), "DIR"),
        (("--offline",), ""),
    ]
    assert [argument.flags for argument in run.arguments] == [("COMMAND",)]
    assert run.usage.startswith("prog run ")


def test_choices_and_defaults_are_told_and_hidden_flags_are_not() -> None:
    top = command_line(small_parser()).top

    color = next(option for option in top.options if "--color" in option.flags)
    assert color.choices == ("always", "never")
    assert color.help == "colours (default: never)"
    assert "--secret" not in {flag for option in top.options for flag in option.flags}
