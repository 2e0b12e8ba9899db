# SPDX-License-Identifier: MIT
"""What the signatures of a generation are worth that came from elsewhere, with keyrings of its own.

Rule 1: the keyrings of this machine count first; those that came along prove only that all of it belongs together.
Rule 2: a signature that cannot be verified hinders nothing, since pins hold by hash. A file that the signers in the
lock file have *not* signed is no state that anybody has pinned: an IntegrityError.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from aptfreeze.archive.objects import Objects
from aptfreeze.environment import trustcheck
from aptfreeze.environment.pinning import Judges
from aptfreeze.environment.trustcheck import TrustCheck, Verdict
from aptfreeze.errors import IntegrityError, RefusedError
from aptfreeze.freeze.generation import Generation, Pin, SuiteKey
from aptfreeze.trust.keyring import Keyring, KeyringError
from aptfreeze.values import immutable


@immutable
class Vouched:
    """The signature of one pin."""

    key: SuiteKey
    check: TrustCheck
    is_by_own: bool = True
    """Whether keyrings of this machine say so; else those that came along."""

    @property
    def text(self) -> str:
        said = "" if self.is_by_own else "by the keys of the export, which this machine does not know: "
        return f"{self.key}: {said}{self.check.text}"


def vouched(
    objects: Objects, judges: Judges, generation: Generation, brought: Mapping[SuiteKey, bytes]
) -> Iterator[Vouched]:
    """One for each pin; `brought` are keyring files that came along. Blocks. IntegrityError by rule 2."""
    for key, pin in sorted(generation.pins.items()):
        found = Vouched(key, _checked(objects, judges, key, pin))
        if found.check.verdict is Verdict.UNKNOWN and key in brought and not _is_known(found.check):
            found = _by_brought(objects, judges, (key, pin), brought[key]) or found
        if found.check.verdict is Verdict.BAD or (found.check.verdict is Verdict.UNKNOWN and _is_known(found.check)):
            raise IntegrityError(
                f"the pinned file of {key} is none that its signers in the lock file have signed: {found.check.text}",
                hint="do not use it; have the export made again where the state was pinned",
            )
        yield found


def _is_known(check: TrustCheck) -> bool:
    """Whether a keyring has one of the signers that the lock names."""
    return any(each.is_known for each in check.keys)


def _checked(objects: Objects, judges: Judges, key: SuiteKey, pin: Pin) -> TrustCheck:
    try:
        return trustcheck.check(objects, judges, key, pin)
    except RefusedError as error:  # nothing here can verify signatures
        return TrustCheck(Verdict.UNKNOWN, f"it cannot be verified here: {error.message}")


def _by_brought(objects: Objects, judges: Judges, pinned: tuple[SuiteKey, Pin], data: bytes) -> Vouched | None:
    """None if that is no keyring."""
    try:
        keyring = Keyring.parse("the export's", data)
    except KeyringError:
        return None
    theirs = replace(judges, keyrings=lambda repository: (keyring,))
    return Vouched(pinned[0], _checked(objects, theirs, *pinned), is_by_own=False)
