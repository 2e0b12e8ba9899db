# SPDX-License-Identifier: MIT
"""Verbs that hand a frozen state over to another place: export, import."""

import argparse
import sys
from io import FileIO
from pathlib import Path
from typing import IO

from aptfreeze.cli.printing import print_data
from aptfreeze.cli.verb import Verb, add_json_flag, add_locked_flag
from aptfreeze.describe.talk import Talk
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import UsageError


def _export_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="FILE|DIR", help="a name that ends with .tar, a folder, or - for stdout")
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("--used", action="store_true", help="what runs of this generation were served (default)")
    scope.add_argument("--all", action="store_true", help="every package file that the indexes in use list")
    parser.add_argument("--sources", action="store_true", help="the source packages of these files, too")
    parser.add_argument(
        "--sbom", action="append", default=[], type=Path, metavar="FILE", help="a bill of materials that goes with it"
    )
    add_json_flag(parser)


def _export(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.describe.extent import Wish
    from aptfreeze.verbs import export

    is_stream = options.target == "-"
    if is_stream and options.json:
        raise UsageError("stdout cannot have the export and its description", hint="name a file, or leave out --json")
    wish = Wish(is_all=options.all, with_sources=options.sources)
    show = talk.show if talk.shows_progress else None
    target = _binary_stdout() if is_stream else options.target
    exported = export.export(opened, wish, target, bills=options.sbom, show=show)
    if is_stream:
        talk.tell("\n".join(exported.lines()))
    else:
        print_data(exported.data() if options.json else exported.lines())
    return exported.exit_status


def _import_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="FILE|DIR", help="what aptfreeze export made, or - for stdin")
    add_locked_flag(parser)
    add_json_flag(parser)


def _import(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import import_

    source = _binary_stdin() if options.source == "-" else options.source
    show = talk.show if talk.shows_progress else None
    imported = import_.import_(opened, source, show=show)
    print_data(imported.data() if options.json else imported.lines())
    return 0


def _binary_stdin() -> IO[bytes]:
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("nothing but a terminal is at stdin", hint="name a file or a folder, or: < FILE")
    return sys.stdin.buffer


def _binary_stdout() -> FileIO:
    if sys.stdout is None:  # `>&-`
        raise UsageError("cannot write to stdout: it is closed", hint="name a file")
    if sys.stdout.isatty():
        raise UsageError("an export is no text for a terminal", hint="name a file or a folder, or: > FILE")
    return FileIO(sys.stdout.fileno(), "wb", closefd=False)


VERBS = (
    Verb(
        "export",
        "hand over lock, packages and keys: an apt repository",
        "Write the current generation and all that runs used of it to a folder or to one\n"
        "file (a tar archive): a valid apt repository with the original signatures, which\n"
        "apt and mmdebstrap use without aptfreeze and without a network, and which\n"
        "aptfreeze import brings back. Private keys and passwords are never in it.\n\n"
        "  aptfreeze export release-1.0.tar --sources\n"
        "  aptfreeze export - | ssh host tar -xC /srv/release-1.0\n\n"
        "Exit status: 3 if the archive lacks something; then nothing is written.",
        _export_flags,
        _export,
    ),
    Verb(
        "import",
        "bring an export's environment and archive back",
        "Bring what aptfreeze export made into this environment, which must have no lock\n"
        "file yet or the same one, and its files into the archive: each of them verified\n"
        "by its hash. From then on the identical image is built, without a network.\n\n"
        "  aptfreeze import release-1.0.tar\n"
        "  aptfreeze run --locked --offline -- ./build.sh\n\n"
        "Exit status: 3 if it is damaged or incomplete; then there is no environment.",
        _import_flags,
        _import,
    ),
)
