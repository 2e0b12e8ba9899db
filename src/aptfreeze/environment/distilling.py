# SPDX-License-Identifier: MIT
"""The records of a generation as they can be given out: one, of which nothing is told but what was served."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from aptfreeze.environment import files
from aptfreeze.environment.process import Process
from aptfreeze.environment.records import Usage
from aptfreeze.freeze.digest import Digest


def distilled(usage: Usage, created: datetime, state: Digest) -> tuple[str, bytes]:
    """The record of a single session that was served all of it: its name, and its bytes.

    It follows from what was served alone, so that a further session that was served the same makes no other one. Who
    ran what where, and which hosts were passed through to, is not in it.
    """
    nobody = Process("aptfreeze export", pid=0, started=0, machine="")
    lines: list[Mapping[str, Any]] = [{"session": {"started": created.isoformat(), "by": nobody.to_record()}}]
    lines += [{"index": asdict(each)} for each in usage.indexes]
    lines += [{"package": each.to_record()} for each in usage.packages]
    data = files.lines_of([*lines, {"end": created.isoformat(), "state": str(state)}])
    return f"{created:%Y%m%dT%H%M%SZ}-{Digest.of(data).hex[:8]}", data
