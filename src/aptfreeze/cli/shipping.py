# SPDX-License-Identifier: MIT
"""Verbs that say what a product ships: packages, verify, sbom, sources."""

import argparse
from pathlib import Path

from aptfreeze.cli.printing import print_bytes, print_data
from aptfreeze.cli.verb import Verb, add_json_flag, add_offline_flag
from aptfreeze.describe.talk import Talk
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import UsageError


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


def _sbom_flags(parser: argparse.ArgumentParser) -> None:
    add_rootfs_flag(parser)
    parser.add_argument(
        "--format", choices=("cyclonedx", "spdx"), default="cyclonedx", help="CycloneDX 1.6 (default) or SPDX 2.3"
    )
    parser.add_argument("--name", help="of the product (default: that of the image, or of the environment's folder)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where it goes; default: stdout")
    add_offline_flag(parser)


def _sbom(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.environment import files
    from aptfreeze.verbs import sbom

    text = sbom.sbom(opened, options.rootfs, options.format, options.name)
    if options.out:
        files.replace(options.out.absolute(), text.encode())
    else:
        print_bytes(text.encode())
    return 0


def _sources_flags(parser: argparse.ArgumentParser) -> None:
    add_rootfs_flag(parser)
    aim = parser.add_mutually_exclusive_group()
    aim.add_argument("--out", type=Path, metavar="DIR", help="put them there, with a table of what belongs to what")
    aim.add_argument("--check", action="store_true", help="fetch and write nothing: tell whether they are archived")
    parser.add_argument("--copyright", action="store_true", help="with --out: the packages' copyright files, too")
    add_offline_flag(parser)
    add_json_flag(parser)


def _sources(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.describe import shipmenttext
    from aptfreeze.verbs import sources

    if options.copyright and options.out is None:
        raise UsageError("--copyright belongs to --out", hint="aptfreeze sources --out DIR --copyright")
    wish = sources.Wish(options.rootfs, options.out, is_check=options.check, with_copyright=options.copyright)
    show = talk.show if talk.shows_progress else None
    found = sources.sources(opened, wish, tell=talk.tell, show=show)
    print_data(shipmenttext.report(found) if options.json else shipmenttext.lines(found, options.out))
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
    Verb(
        "sbom",
        "a bill of materials, as CycloneDX or SPDX",
        "Write a software bill of materials of an image: its packages with hashes, the\n"
        "source packages that they are built from, and what depends on what. Without\n"
        "--rootfs, of what the runs of this generation were served. Byte for byte the same\n"
        "for the same image and lock file. Needs: pip install 'aptfreeze[sbom]'\n\n"
        "  aptfreeze sbom --rootfs image.tar --out image.cdx.json\n"
        "  aptfreeze sbom --rootfs image.tar --format spdx > image.spdx.json",
        _sbom_flags,
        _sbom,
    ),
    Verb(
        "sources",
        "have every corresponding source, or the list of what is missing",
        "Fetch the source package of every binary package that an image holds, or that\n"
        "runs were served, and of what is built into them (Built-Using). What cannot be\n"
        "had is named, unless an [[exception]] in aptfreeze.toml says why it may be\n"
        "missing. With --out, they are put into a folder, with a table.\n\n"
        "  aptfreeze sources --rootfs image.tar --out release/sources --copyright\n"
        "  aptfreeze sources --rootfs image.tar --check\n\n"
        "Exit status: 0 complete; 3 something is not to be had anywhere, or with --check\n"
        "or --offline not archived; 4 a mirror failed.",
        _sources_flags,
        _sources,
    ),
)
