# SPDX-License-Identifier: MIT
"""The file that a pin names: where it is, and what is said when it is lost (pure)."""

from aptfreeze.errors import AptfreezeError, IntegrityError
from aptfreeze.freeze.digest import Wanted
from aptfreeze.freeze.generation import BarePackages, InRelease, Pin, SuiteKey
from aptfreeze.freeze.outcome import SuiteFile, relative_to_suite


def root_file(key: SuiteKey, pin: Pin) -> SuiteFile:
    """The file that a pin names, where the mirror has it."""
    match pin.root:
        case InRelease(digest):
            return SuiteFile(Wanted(digest), relative_to_suite(key, "InRelease"), date=pin.date)
        case BarePackages(digest, file):
            return SuiteFile(Wanted(digest), relative_to_suite(key, file))
        case pair:
            return SuiteFile(Wanted(pair.release), relative_to_suite(key, "Release"), date=pin.date)


def lost_root(key: SuiteKey, file: SuiteFile, error: AptfreezeError) -> IntegrityError:
    """A pinned InRelease, or what stands for it, that nobody has."""
    return IntegrityError(
        f"the pinned {file.relative} of {key} ({file.wanted.digest}) is not in the archive, "
        f"and no mirror has it any more ({error.message})",
        hint="use the archive that was used when it was pinned (--archive), or name who keeps earlier states of the "
        "repository ([snapshot] archives in aptfreeze.toml), or forget the pin",
    )
