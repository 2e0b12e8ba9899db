# SPDX-License-Identifier: MIT
"""All that COMMAND is given, put together: its variables, its apt configuration, its PATH, and what is told about it.

The files go into the session folder, apt's own lists below the environment's state. Nothing outside
of these two is written.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from aptfreeze.fetch.aptread import Option, main_file, read_options
from aptfreeze.launch.aptconf import NO_SANDBOX, override_notices, proxy_notices, run_rules, write_configuration
from aptfreeze.launch.aptlists import prepare_lists
from aptfreeze.launch.authorities import write_authorities
from aptfreeze.launch.command import (
    elevation_notice,
    is_apt,
    other_key_notice,
    own_authority_notice,
    own_proxy_notice,
    passed_wrapper_notice,
)
from aptfreeze.launch.notice import Notice
from aptfreeze.launch.session import Session
from aptfreeze.launch.variables import child_variables
from aptfreeze.launch.wrappers import write_wrappers
from aptfreeze.values import immutable


@immutable
class Prepared:
    """What COMMAND starts with."""

    variables: Mapping[str, str]
    notices: tuple[Notice, ...]
    overridden: Callable[[], tuple[Notice, ...]]
    """Looks with apt's own eyes whether our rules hold; blocks for about 10 ms, and may run beside COMMAND."""


def prepare(
    command: Sequence[str], own: Mapping[str, str], session: Session, options: Sequence[Option] | None = None
) -> Prepared:
    """Prepare the session for COMMAND; `own` are aptfreeze's environment variables.

    `options` are what `read_options(own)` gave; that blocks for about 10 ms, so a caller may have other work meanwhile.
    """
    variables, notices = child_variables(own, session)
    own_path = variables.get("PATH", os.defpath)
    found = read_options(own) if options is None else options
    authorities = _authorities(session, found)
    path, wrapper_notices = write_wrappers(
        session.folder / "bin",
        own_path,
        session.certificate,
        unshares=session.in_user_namespace,
        authorities=authorities,
    )
    variables["PATH"] = path
    rules = _configure_apt(command, variables, session, found, authorities)
    told = [elevation_notice(command), own_proxy_notice(command), passed_wrapper_notice(command)]
    if session.certificate:
        told.append(other_key_notice(command))
    if session.authority:
        told.append(own_authority_notice(command))
    all_notices = (*(notice for notice in told if notice), *notices, *wrapper_notices, *proxy_notices(found))

    def overridden() -> tuple[Notice, ...]:
        again = read_options(variables) if found else ()
        return override_notices(rules, again) if again else ()  # else apt-config failed, and nothing is known

    return Prepared(variables, all_notices, overridden)


def _authorities(session: Session, own: Sequence[Option]) -> Path | None:
    """The file of those whom apt trusts by https; None if it is not to be told."""
    if not session.authority:
        return None
    file = session.folder / "authorities.pem"
    write_authorities(file, session.authority, own)
    return file


def _configure_apt(
    command: Sequence[str],
    variables: dict[str, str],
    session: Session,
    own: Sequence[Option],
    authorities: Path | None,
) -> tuple[tuple[str, str], ...]:
    """Set APT_CONFIG in the variables; the rules that hold from then on."""
    rules = run_rules(session.proxy, authorities)
    if session.in_user_namespace:
        rules += (NO_SANDBOX,)
    if is_apt(command):
        rules += prepare_lists(session)
    user = Path(variables["APT_CONFIG"]) if variables.get("APT_CONFIG") else None
    configuration = write_configuration(session.folder / "apt", rules, own, main_file(own), user)
    variables["APT_CONFIG"] = str(configuration)
    return rules
