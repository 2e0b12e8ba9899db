# SPDX-License-Identifier: MIT
"""Is the next state of a suite the next state of the same suite? Pure.

Rule: what apt asks a person about (another Codename), and what it cannot know (other signers, an older Date than the
one that was pinned), is refused until somebody accepts it.
"""

from aptfreeze.errors import RefusedError
from aptfreeze.freeze.generation import Pin, SuiteKey
from aptfreeze.values import immutable

_FOR_EVER = frozenset({"sid", "rc-buggy"})
"""Codenames that one suite has for ever: its name is no alias of something that moves."""


@immutable
class Accepted:
    """What somebody allowed on purpose, by a flag."""

    codename: bool = False
    signer: bool = False
    older: bool = False
    """Whether the state was chosen by its date, so that it may be older than the pinned one."""


def check(key: SuiteKey, before: Pin, after: Pin, accepted: Accepted) -> None:
    """RefusedError if `after` is no state that `before` may be followed by."""
    if before.codename != after.codename and before.codename and not accepted.codename:
        raise RefusedError(
            f"{key} was {before.codename} and is {after.codename or 'without a Codename'} now: another release",
            hint="name the codename in the sources to stay with it; --accept-codename moves to the other release",
        )
    if before.signers and not set(before.signers) & set(after.signers) and not accepted.signer:
        raise RefusedError(
            f"the new state of {key} is signed by {', '.join(after.signers) or 'nobody that counts'}, "
            f"and the pinned one by {', '.join(before.signers)}",
            hint="if the repository has announced other keys, --accept-signer takes them",
        )
    if before.date and after.date and after.date < before.date and not accepted.older:
        raise RefusedError(
            f"the mirror's state of {key} is of {after.date:%Y-%m-%d %H:%M} UTC, "
            f"older than the pinned one of {before.date:%Y-%m-%d %H:%M} UTC",
            hint="the mirror lags behind, or plays an old state back: try another one ([mirrors]); "
            "--date DATE goes back on purpose",
        )


def alias_notice(key: SuiteKey, pin: Pin) -> str:
    """What to tell of a suite that is asked by a name that moves from release to release; empty if it is none."""
    is_alias = key.suite == pin.suite and pin.codename in pin.names and pin.codename not in {key.suite, *_FOR_EVER}
    if not is_alias:
        return ""
    return (
        f"{key}: the name {key.suite} moves from release to release; it is {pin.codename} now. "
        f"Name {pin.codename} in the sources to stay with it"
    )
