# SPDX-License-Identifier: MIT
"""The command line as values, read from the argparse parser: what the manual page and the completions are made from.

argparse has no public way to walk a parser; its private names are used here and nowhere else.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """A flag with its spellings, `--archive` or `-h, --help`."""

    flags: tuple[str, ...]
    value: str
    """What stands for its value in a usage line; empty if it takes none."""
    choices: tuple[str, ...]
    help: str


@dataclass(frozen=True, slots=True)
class Verb:
    """One command (or, with an empty name, what stands before it)."""

    name: str
    usage: str
    """Without the leading `usage: `, in one line."""
    summary: str
    description: str
    """With the epilog as its last paragraph."""
    options: tuple[Option, ...]
    arguments: tuple[Option, ...]
    """Positional ones; `flags` holds their name."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The whole program: `top` is what may stand before a verb."""

    program: str
    top: Verb
    verbs: tuple[Verb, ...]


def command_line(parser: argparse.ArgumentParser) -> CommandLine:
    """Everything that `--help` of the program and of each verb tells; hidden verbs and flags are left out."""
    verbs = tuple(
        _verb(name, action.choices[name], summary)
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for name, summary in _summaries(action)
    )
    return CommandLine(parser.prog, _verb("", parser, ""), verbs)


def _summaries(action: argparse._SubParsersAction[argparse.ArgumentParser]) -> list[tuple[str, str]]:
    return [(choice.dest, choice.help or "") for choice in action._choices_actions if choice.help != argparse.SUPPRESS]


def _verb(name: str, parser: argparse.ArgumentParser, summary: str) -> Verb:
    shown = [action for action in parser._actions if action.help != argparse.SUPPRESS]
    return Verb(
        name=name,
        usage=_usage(parser),
        summary=summary,
        description="\n\n".join(text for text in (parser.description, parser.epilog) if text),
        options=tuple(_option(parser, action) for action in shown if action.option_strings),
        arguments=tuple(_option(parser, action) for action in shown if _is_argument(action)),
    )


def _usage(parser: argparse.ArgumentParser) -> str:
    usage = " ".join(parser.format_usage().split()).removeprefix("usage: ")
    for action in parser._actions:
        if action.nargs == argparse.REMAINDER and isinstance(action.metavar, str):
            # argparse writes a bare `...` for it, whatever its metavar is
            usage = usage.removesuffix("...") + action.metavar
    return usage


def _is_argument(action: argparse.Action) -> bool:
    return not action.option_strings and not isinstance(action, argparse._SubParsersAction)


def _option(parser: argparse.ArgumentParser, action: argparse.Action) -> Option:
    formatter = parser._get_formatter()
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    return Option(
        flags=tuple(action.option_strings) or (metavar,),
        value=metavar if action.nargs != 0 and action.option_strings else "",
        choices=tuple(str(choice) for choice in action.choices or ()),
        help=formatter._expand_help(action) if action.help else "",
    )
