# SPDX-License-Identifier: MIT
"""`aptfreeze config`: every setting, its value and where it came from."""

from collections.abc import Iterator
from typing import Any

from aptfreeze.environment.config import table
from aptfreeze.settings import Settings


def data(settings: Settings) -> dict[str, Any]:
    """By key, for `--json`."""
    return {
        row.key: {"value": row.value, "origin": row.origin, "flag": row.flag, "variable": row.env, "help": row.help}
        for row in table(settings)
    }


def lines(settings: Settings) -> Iterator[str]:
    """`key = value  # origin`, aligned."""
    rows = table(settings)
    width = max(len(f"{row.key} = {row.text}") for row in rows if len(row.text) < 60)
    for row in rows:
        yield f"{f'{row.key} = {row.text}':{width}}  # {row.origin}: {row.help}"
