# SPDX-License-Identifier: MIT
"""What can be told from COMMAND's words alone: whether it is apt, and whether it leaves our environment variables.

Only COMMAND's own words are read, never a script that it runs: a build script that calls sudo is noticed at the end of
the run, when no request came.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final

from aptfreeze.launch.notice import Notice

_URL: Final = r"\bhttps?://[^\s\"']+"
_APT: Final = frozenset({"apt", "apt-get"})
_TOOLS: Final = _APT | {"mmdebstrap", "debootstrap", "qemu-debootstrap", "cdebootstrap", "aptitude"}

_PASSING: Final = frozenset({"debootstrap", "qemu-debootstrap", "cdebootstrap", "wget", "curl"})
_USER_CHANGERS: Final = frozenset({"sudo", "doas", "su", "runuser", "pkexec"})


def tool_of(command: Sequence[str]) -> str:
    """The base name of the program that COMMAND names; empty for an empty COMMAND."""
    return _base_name(command[0]) if command else ""


def is_apt(command: Sequence[str]) -> bool:
    """Whether COMMAND itself is apt or apt-get; not one that a shell, sudo or env would start."""
    return tool_of(command) in _APT


def elevation_notice(command: Sequence[str]) -> Notice | None:
    """A notice when COMMAND changes its user by a program that drops the variables or the wrapper's place in PATH.

    sudo drops `http_proxy`, `APT_CONFIG` and `SOURCE_DATE_EPOCH` unless sudoers keeps them, and its `secure_path`
    drops the wrapper even with -E; doas, su - and pkexec do alike.
    """
    changer = tool_of(command)
    if changer not in _USER_CHANGERS:
        return None
    tool = next((name for name in map(_base_name, _all_words(command[1:])) if name in _TOOLS), None)
    return Notice(
        f"{changer} drops the variables and the PATH that aptfreeze run sets: "
        f"{tool or 'what it starts'} gets no frozen packages",
        hint=f'let {changer} start aptfreeze: "{_outside(changer, tool or "COMMAND")}"',
    )


def own_proxy_notice(command: Sequence[str]) -> Notice | None:
    """A notice when an option of COMMAND sets a proxy for apt: it beats all that a run sets."""
    found = next((word for word in command[1:] if _sets_proxy(word)), None)
    if found is None or tool_of(command) not in _TOOLS:
        return None
    return Notice(
        f"an option of {tool_of(command)} sets a proxy for apt; requests through it are not frozen",
        hint="remove the option that sets Acquire::http::Proxy",
    )


def own_authority_notice(command: Sequence[str]) -> Notice | None:
    """A notice when an option of COMMAND names whom apt trusts by https: apt then does not hear of our authority."""
    found = next(
        (word for word in command[1:] if "acquire::https::" in word.lower() and "cainfo" in word.lower()), None
    )
    if found is None or tool_of(command) not in _TOOLS:
        return None
    return Notice(
        f"an option of {tool_of(command)} names whom apt trusts by https: if that file has not aptfreeze's authority, "
        "https repositories cannot be read",
        hint="set it in apt's configuration, to which run adds its own; or put what aptfreeze ca prints into that file",
    )


def tunnel_notice(command: Sequence[str]) -> Notice | None:
    """A notice when COMMAND itself asks by https and is not apt."""
    tool = tool_of(command)
    if tool not in _PASSING or not any(word.startswith("https://") for word in command[1:]):
        return None
    return Notice(
        f"{tool} asks by https, which passes in a tunnel and is not frozen",
        hint="write http://, or list the host in [tls] intercept and let it trust the authority of aptfreeze ca",
    )


def urls_in(command: Sequence[str]) -> list[str]:
    """The urls that COMMAND's words name for apt: arguments of mmdebstrap, for example."""
    if tool_of(command) not in _TOOLS - _PASSING:
        return []
    return [url for word in command[1:] for url in re.findall(_URL, word)]


def other_key_notice(command: Sequence[str]) -> Notice | None:
    """A notice when COMMAND names a key for a source: where the environment's key signs suites, no other one fits."""
    if tool_of(command) not in _TOOLS or not any("signed-by" in word.lower() for word in command[1:]):
        return None
    return Notice(
        f"a source of {tool_of(command)} names a key by signed-by, and suites are signed by this environment's key",
        hint='name that one there ("aptfreeze key --out FILE"), or leave signed-by out: mmdebstrap gets the key anyway',
    )


def passed_wrapper_notice(command: Sequence[str]) -> Notice | None:
    """A notice when COMMAND is mmdebstrap by its path, so that the wrapper in PATH is not what starts."""
    if tool_of(command) != "mmdebstrap" or "/" not in command[0]:
        return None
    return Notice(
        f"{command[0]} is named by its path, and so goes past the wrapper that gives it apt's options for frozen "
        "suites: apt refuses those that are older than their Valid-Until",
        hint=f'name it without a folder: "mmdebstrap", with {PurePosixPath(command[0]).parent} in PATH',
    )


def _sets_proxy(word: str) -> bool:
    text = "".join(word.split()).lower()
    return "acquire::http" in text and "proxy" in text


def _outside(changer: str, tool: str) -> str:
    run = f"aptfreeze run -- {tool} ..."
    return f"{changer} -c '{run}'" if changer in ("su", "runuser") else f"{changer} {run}"


def _all_words(words: Sequence[str]) -> Iterator[str]:
    """The words, and the words within those that are a shell's text: `su -c "apt-get update"`."""
    for word in words:
        yield word
        yield from word.split()


def _base_name(word: str) -> str:
    return PurePosixPath(word).name
