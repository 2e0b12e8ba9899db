# SPDX-License-Identifier: MIT
"""The ways from one generation to another on purpose.

Rule 1: what changes or removes a pin makes a new id. Going back restores the old one, since it names the old state.
Rule 2: going back keeps what the earlier generation never had: builds that need it go on.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, Pin, SuiteKey
from aptfreeze.freeze.lockfile import rival
from aptfreeze.values import immutable


@immutable
class Identity:
    """What a new generation is told apart by."""

    id: str
    created: datetime
    """Aware UTC, whole seconds."""


def moved(
    current: Generation, pins: Mapping[SuiteKey, Pin], extra: Mapping[str, Digest], identity: Identity
) -> Generation:
    """The current generation with these pins and single files in the place of those it has."""
    return Generation(
        identity.id,
        identity.created,
        MappingProxyType({**current.pins, **pins}),
        MappingProxyType({**current.extra, **extra}),
    )


def without(current: Generation, keys: Collection[SuiteKey], urls: Collection[str], identity: Identity) -> Generation:
    """The current generation without these pins and single files."""
    return Generation(
        identity.id,
        identity.created,
        MappingProxyType({key: pin for key, pin in current.pins.items() if key not in keys}),
        MappingProxyType({url: digest for url, digest in current.extra.items() if url not in urls}),
    )


def restored(earlier: Generation, current: Generation) -> Generation:
    """The earlier generation, and what it never had of the current one."""
    for key, pin in current.pins.items():
        if key not in earlier.pins and rival(earlier.pins, key, pin) is None:
            earlier = earlier.with_pin(key, pin)
    return replace(earlier, extra=MappingProxyType({**current.extra, **earlier.extra}))
