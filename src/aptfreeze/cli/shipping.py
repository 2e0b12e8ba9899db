# SPDX-License-Identifier: MIT
"""Verbs that say what a product ships: packages, verify."""

import argparse
from pathlib import Path

from aptfreeze.cli.printing import print_data
from aptfreeze.cli.verb import Verb, add_json_flag, add_offline_flag
from aptfreeze.describe.talk import Talk
from aptfreeze.environment.opened import Opened


def add_rootfs_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rootfs",
        type=Path,
        metavar="DIR|TAR|STATUS",
        help="the image: its root file system as a folder or a tar archive, or its var/lib/dpkg/status",
    )


def _packages_flags(parser: argparse.ArgumentParser) -> None:
    add_rootfs_flag(parser)
    parser.add_argument(
        "--format",
        choices=("text", "json", "csv", "isar", "buildinfo"),
        default="text",
        help="text (default), json, csv; isar: a manifest as Isar writes it; buildinfo: deb-buildinfo(5)",
    )
    parser.add_argument("--json", action="store_const", dest="format", const="json", help="the same as --format json")
    add_offline_flag(parser)


def _packages(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.describe import listing
    from aptfreeze.verbs import packages

    found = packages.packages(opened, options.rootfs)
    print_data(listing.data(found) if options.format == "json" else listing.FORMATS[options.format](found))
    return 0


def _verify_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rootfs", type=Path, metavar="ROOTFS|TAR|STATUS", help="the image, as for packages --rootfs")
    add_offline_flag(parser)
    add_json_flag(parser)


def _verify(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import verify

    found = verify.verify(opened, options.rootfs)
    print_data(found.data() if options.json else found.lines())
    return found.exit_status


VERBS = (
    Verb(
        "packages",
        "what an image consists of, and what its build used",
        "List the packages of an image, each with hash, origin and source package, and\n"
        "what its build used beyond them. Without --rootfs, what the runs of this\n"
        "generation were served. A line each: name, version, architecture, sha256, size\n"
        "in bytes, repository, suite, and deployed or used.\n\n"
        "  aptfreeze packages | cut -d' ' -f1,2\n"
        "  aptfreeze packages --rootfs image.tar --format csv > packages.csv",
        _packages_flags,
        _packages,
    ),
    Verb(
        "verify",
        "did every package of an image come from this generation?",
        "Compare the installed packages of an image with the pinned suites, and name each\n"
        "that is in none of them, unless an [[exception]] in aptfreeze.toml declares it.\n\n"
        "  aptfreeze verify image.tar\n\n"
        "Exit status: 0 all are of this generation or declared; 3 some are not; 4 an index\n"
        "that may have them could not be fetched.",
        _verify_flags,
        _verify,
    ),
)
