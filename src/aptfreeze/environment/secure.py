# SPDX-License-Identifier: MIT
"""Hosts that have answered by https: remembered, so that no later command of this checkout asks them by http.

Rule 1: one that is remembered is not forgotten by itself. Deleting the file forgets all; `[mirrors]` goes before it.
Rule 2: what cannot be written is told, and hinders nothing: it holds for this process.
"""

import logging
from functools import partial
from pathlib import Path

from aptfreeze.environment import files
from aptfreeze.environment.store import EnvironmentStore
from aptfreeze.errors import AptfreezeError
from aptfreeze.fetch.schemes import Schemes

_logger = logging.getLogger(__name__)


def schemes(store: EnvironmentStore) -> Schemes:
    """What is known in this environment; a read-only one learns nothing."""
    path = store.environment.secure
    known = [host for record in files.read_records(path) if isinstance(host := record.get("host"), str)]
    return Schemes(known) if store.is_read_only else Schemes(known, partial(_remember, path))


def _remember(path: Path, host: str) -> None:
    try:
        files.append(path, [{"host": host}])
    except AptfreezeError as error:
        _logger.warning("%s\n%s is asked by https, but the next command will not know that", error, host)
