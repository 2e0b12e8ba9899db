# SPDX-License-Identifier: MIT
"""Writes the manual page from the argparse parser: one text for `--help` and for man.

usage: manual.py FOLDER (the page is FOLDER/aptfreeze.1)
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from aptfreeze import __version__
from parser_tree import CommandLine, Option, Verb, command_line


def roff(text: str) -> str:
    """Text for roff: its control characters escaped, at the start of a line too (groff_man_style(7))."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", escaped, flags=re.MULTILINE)


def page(line: CommandLine, version: str) -> str:
    """The whole page. It holds no date, so that the same version gives the same bytes."""
    return "\n".join([*_head(line, version), *_commands(line), *_tail()]) + "\n"


def _head(line: CommandLine, version: str) -> Iterator[str]:
    description = line.top.description.strip()
    yield f'.TH {line.program.upper()} 1 "" "{line.program} {version}" "User Commands"'
    yield from (
        ".SH NAME",
        f"{line.program} \\- {roff(description.splitlines()[0].rstrip('.') if description else '')}",
    )
    yield from (".SH SYNOPSIS", f".B {roff(line.top.usage)}")
    yield from (".SH DESCRIPTION", *_paragraphs(description))
    yield from (".SH OPTIONS", *_options(line.top.options))


def _commands(line: CommandLine) -> Iterator[str]:
    yield ".SH COMMANDS"
    for verb in line.verbs:
        yield f".SS {line.program} {roff(verb.name)}"
        yield from _verb(verb)


def _verb(verb: Verb) -> Iterator[str]:
    yield from (f".B {roff(verb.usage)}", ".PP")
    yield from _paragraphs(verb.description or verb.summary)
    yield from _options((*verb.arguments, *verb.options))


def _options(options: tuple[Option, ...]) -> Iterator[str]:
    for option in options:
        flags = ", ".join(f"\\fB{roff(flag)}\\fR" for flag in option.flags)
        value = f" \\fI{roff(option.value)}\\fR" if option.value else ""
        yield from (".TP", flags + value, roff(option.help))


def _paragraphs(text: str) -> Iterator[str]:
    """Indented lines are examples and keep their line ends."""
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        if block.startswith("  "):
            yield from (".PP", ".nf", roff(block), ".fi")
        else:
            yield from (".PP", roff(" ".join(block.split())))


def _tail() -> Iterator[str]:
    yield from (".SH SEE ALSO", ".BR apt (8),", ".BR apt.conf (5),", ".BR mmdebstrap (1),", ".BR debootstrap (8)")


if __name__ == "__main__":
    from aptfreeze.cli.parser import build_parser

    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "aptfreeze.1"
    written.write_text(page(command_line(build_parser()), __version__), encoding="utf-8")
    print(written)
