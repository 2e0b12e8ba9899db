# SPDX-License-Identifier: MIT
"""Verbs about who trusts whom: key, ca."""

import argparse
from pathlib import Path

from aptfreeze.cli.printing import print_bytes, print_data
from aptfreeze.cli.verb import Verb, add_json_flag
from aptfreeze.describe.talk import Talk
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import UsageError


def _key_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="FILE", help="write the key to FILE instead of stdout")
    parser.add_argument(
        "--format",
        choices=("armored", "binary"),
        help="default: armored, but binary for a FILE that ends with .gpg, as apt expects it",
    )
    add_json_flag(parser)


def _key(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import key

    form = None if options.format is None else key.Format(options.format)
    given = key.key(opened, out=None if options.out is None else Path(options.out), form=form)
    if options.json:
        print_data(key.data(given))
        return 0
    if given.file is None:
        print_bytes(given.content)
    for line in key.lines(given):
        talk.tell(line)
    return 0


def _ca_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="FILE", help="write the certificate to FILE instead of stdout")
    parser.add_argument(
        "--install",
        action="store_true",
        help="as root: let this machine's programs trust it (/usr/local/share/ca-certificates)",
    )
    add_json_flag(parser)


def _ca(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import ca

    if options.install and options.out is not None:
        raise UsageError("--out and --install do not go together", hint="run the command twice")
    out = None if options.out is None else Path(options.out)
    given = ca.install(opened) if options.install else ca.ca(opened, out=out)
    if options.json:
        print_data(ca.data(given))
        return 0
    if given.file is None:
        print_bytes(given.certificate.encode())
    for line in ca.lines(given):
        talk.tell(line)
    return 0


VERBS = (
    Verb(
        "key",
        "the public key of suites that are signed anew",
        "With resign = true in aptfreeze.toml, suites are served signed by a key of the\n"
        "environment. Print its public half, and on stderr what clients do with it. The\n"
        "private half stays where it is.\n\n"
        "  aptfreeze key --out aptfreeze.gpg\n"
        "  mmdebstrap --keyring=aptfreeze.gpg bookworm image.tar",
        _key_flags,
        _key,
    ),
    Verb(
        "ca",
        "the authority that https is served frozen with",
        "apt's https is served with certificates of an authority of your own, which is made\n"
        "when it is needed first. Print its certificate, and on stderr how clients are told\n"
        "to trust it. run tells apt by itself; the private half stays where it is.\n\n"
        "  aptfreeze ca --out aptfreeze.pem\n"
        "  apt-get -o Acquire::https::CAInfo=$PWD/aptfreeze.pem update",
        _ca_flags,
        _ca,
    ),
)
