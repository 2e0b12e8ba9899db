# SPDX-License-Identifier: MIT
"""A `Pinning` as the settings of an environment want it."""

from collections.abc import Callable
from datetime import UTC, datetime

from aptfreeze.environment.pinning import Judges, Pinning
from aptfreeze.fetch.opened import OpenArchive
from aptfreeze.settings import Settings
from aptfreeze.trust.backends import backend
from aptfreeze.trust.keyrings import keyrings_for

_LARGEST_ROOT = 64 << 20
"""Bytes of an InRelease, or of a single file."""


def make_pinning(archive: OpenArchive, settings: Settings) -> Pinning:
    """It fetches over the archive's downloads, and trusts whom the settings or this machine's apt trust."""
    return Pinning(
        archive.objects,
        archive.mirrors,
        archive.snapshots,
        lambda url, is_patient: archive.downloads.fetch_bytes([url], _LARGEST_ROOT, is_patient=is_patient).data,
        make_judges(settings, lambda: datetime.now(UTC)),
        offline=settings.offline.value,
    )


def make_judges(settings: Settings, now: Callable[[], datetime]) -> Judges:
    """Those whom the settings or this machine's apt trust, at the time of this clock."""
    return Judges(
        trust=settings.trust,
        verifier=lambda: backend(settings.trust.backend),
        keyrings=lambda repository: keyrings_for(repository, settings.trust),
        now=now,
    )
