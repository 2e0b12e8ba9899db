# SPDX-License-Identifier: MIT
"""The environment variables of COMMAND.

Rule 1: whatever reads a proxy variable gets ours: wget, debootstrap and apt read the lower-case names only, others the
upper-case ones too. `no_proxy` beats a proxy in all of them (apt-transport-http(1), wget(1)), so it must go.
Rule 2: https goes to our proxy as well, which freezes apt's and counts what passes it in a tunnel.
Rule 3: what the caller has set and what cannot bypass the proxy stays: `SOURCE_DATE_EPOCH`, `TMPDIR`, all others.
"""

from collections.abc import Iterable, Mapping

from aptfreeze.fetch.proxies import without_password
from aptfreeze.launch.notice import Notice
from aptfreeze.launch.session import Session

_PROXY_VARIABLES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
_FALLBACKS = ("all_proxy", "ALL_PROXY")
"""Taken by curl for what has no variable of its own: replaced where they are set, and not set where they are not."""
_BYPASSES = ("no_proxy", "NO_PROXY")

PROXY_VARIABLE = "APTFREEZE_PROXY"
"""For COMMAND's own use: the URL of the proxy, for tools that take it by option."""
GENERATION_VARIABLE = "APTFREEZE_GENERATION"
"""For COMMAND's own use: the id of the generation, for example as a part of a cache key."""


def child_variables(own: Mapping[str, str], session: Session) -> tuple[dict[str, str], tuple[Notice, ...]]:
    """The variables for COMMAND, made from aptfreeze's own ones, and a notice for each that would bypass the proxy."""
    variables = {name: value for name, value in own.items() if name not in _BYPASSES}
    names = (*_PROXY_VARIABLES, *(name for name in _FALLBACKS if own.get(name)))
    variables |= dict.fromkeys(names, session.proxy)
    variables |= {PROXY_VARIABLE: session.proxy, GENERATION_VARIABLE: session.generation}
    if not own.get("SOURCE_DATE_EPOCH"):
        variables["SOURCE_DATE_EPOCH"] = str(int(session.created.timestamp()))
    removed = "removed for the command: with it requests go past the frozen repositories"
    replaced = "replaced for the command by the proxy of aptfreeze, which itself goes by your variables"
    return variables, (*_notices(own, _BYPASSES, removed), *_notices(own, (*_PROXY_VARIABLES, *_FALLBACKS), replaced))


def _notices(own: Mapping[str, str], names: Iterable[str], done: str) -> list[Notice]:
    """One notice for each value; a proxy mostly stands in several variables."""
    by_value: dict[str, list[str]] = {}
    for name in names:
        if value := own.get(name):
            by_value.setdefault(value, []).append(name)
    return [Notice(f'{", ".join(found)}="{without_password(value)}" {done}') for value, found in by_value.items()]
