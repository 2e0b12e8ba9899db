# SPDX-License-Identifier: MIT
"""Settings for tests: the product's own defaults, but that nobody outside is asked."""

from pathlib import Path
from typing import Any

from aptfreeze.rows import ROWS
from aptfreeze.settings import Sourced

NO_SERVICE = '[snapshot]\nservice = ""'
"""The same for aptfreeze.toml."""


def defaults() -> dict[str, Sourced[Any]]:
    """One value for each row. The tests' mirror is called `debian`, for which the public service would be asked."""
    return {row.key: Sourced(row.default) for row in ROWS} | {
        "snapshot.service": Sourced(""),
        "tls.authority": Sourced(Path("/nonexistent/authority.pem")),
    }
