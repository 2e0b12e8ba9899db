# SPDX-License-Identifier: MIT
"""A session of `run` in a test's folder, as the verb would make it."""

from datetime import UTC, datetime
from pathlib import Path

from aptfreeze.launch.session import Session

CREATED = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
GENERATION = "4f1c9a0e2b7d4e5f8a6b3c2d1e0f9a8b"


def make_session(
    root: Path, *, proxy: str = "http://127.0.0.1:3142", certificate: bytes = b"", authority: bytes = b""
) -> Session:
    """With an empty session folder and an empty state folder below `root`."""
    folder, state = root / "session", root / "environment/.aptfreeze"
    folder.mkdir()
    state.mkdir(parents=True)
    return Session(proxy, GENERATION, CREATED, folder, state, certificate, authority)
