# SPDX-License-Identifier: MIT
"""What every group of measurements is given."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.link import Link
from bench.peers import Peer
from bench.upstream import Upstream


@dataclass
class Context:
    rounds: int
    peers: list[Peer]
    """aptfreeze first."""
    upstream: Upstream
    link: Link
    """Serves `upstream`, and what else lies in its folder `keys` (see `content`)."""
    folder: Path
    """For everything that is written; anyone may enter it, since some servers give up their rights."""

    @contextmanager
    def fresh(self) -> Iterator[Path]:
        """A new folder, for one cache."""
        with tempfile.TemporaryDirectory(dir=self.folder, ignore_cleanup_errors=True) as name:
            Path(name).chmod(0o755)
            yield Path(name) / "cache"

    def tell(self, line: str) -> None:
        """For who watches."""
        print(line, file=sys.stderr, flush=True)
