# SPDX-License-Identifier: MIT
"""What `doctor` sees in COMMAND: its words, and the text of the script that it is.

A script is searched for words, not understood: a line that never runs is found too, and what another program of it
starts is not.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from aptfreeze.launch.command import (
    elevation_notice,
    is_apt,
    other_key_notice,
    own_authority_notice,
    own_proxy_notice,
    passed_wrapper_notice,
    tool_of,
    tunnel_notice,
)
from aptfreeze.launch.finding import Finding, Level
from aptfreeze.launch.process import NotStartedError, find_program

_LARGEST = 1 << 20
"""Bytes of a script that are looked at."""
_MOST = 5
"""Lines that are told of each kind."""

_ELSEWHERE: Final = (
    "it starts programs with variables, files and a network of their own: http_proxy and a loopback address mean "
    "nothing there"
)
_CONTAINERS: Final = frozenset(
    {"docker", "podman", "buildah", "kas-container", "ssh", "systemd-nspawn", "systemd-run", "lxc", "incus", "kaniko"}
)
_ROOTS: Final = frozenset({"chroot", "schroot", "sbuild", "pbuilder", "cowbuilder", "fakechroot"})
_BITBAKE: Final = frozenset({"bitbake", "kas", "isar-build"})

_SCRIPT: Final = (
    (
        re.compile(r"(?:^|[\s;&|(`])(?:sudo|doas|su|runuser|pkexec)\s"),
        "calls sudo, su or the like, which drop http_proxy, APT_CONFIG and PATH",
        'run the whole script as root: "sudo aptfreeze run -- ..."',
    ),
    (
        re.compile(r"\bunset\b.*\bhttps?_proxy\b|\bhttps?_proxy=|\bno_proxy=|\benv\s+-i\b", re.IGNORECASE),
        "sets or drops proxy variables",
        "leave the variables as run sets them; $APTFREEZE_PROXY has the address",
    ),
    (
        re.compile(r"Acquire::https?::Proxy|Acquire::Check-Valid-Until|--no-proxy|--proxy[= ]", re.IGNORECASE),
        "names a proxy or checks of its own",
        "leave proxies out: they go past aptfreeze, which goes by yours itself",
    ),
    (
        re.compile(r"\b(?:wget|curl|debootstrap)\b.*\bhttps://", re.IGNORECASE),
        "asks by https, which passes in a tunnel and is not frozen",
        'write http://, or "aptfreeze pin URL" and http:// for a single file; see docs/howto/https.md',
    ),
    (
        re.compile(r"Acquire::https::.*CAInfo", re.IGNORECASE),
        "names whom apt trusts by https",
        "put what aptfreeze ca prints into that file, or set it in apt's configuration, to which run adds its own",
    ),
    (
        re.compile(r"(?:^|[\s;&|(`])(?:docker|podman|buildah|ssh|systemd-nspawn|chroot|schroot)\s"),
        "starts something in another root, container or machine",
        'give that the proxy: "http_proxy=$APTFREEZE_PROXY" and the host\'s network; see docs/howto/bypass.md',
    ),
)


def look_at_command(command: Sequence[str], environ: Mapping[str, str], *, resigns: bool) -> Iterator[Finding]:
    """Findings about COMMAND; `resigns`: suites are served signed by the environment's own key."""
    path = environ.get("PATH", "/usr/bin:/bin")
    try:
        program = find_program(command[0], path)
    except NotStartedError as error:
        yield Finding(Level.PROBLEM, error.message, "run would end with 126 or 127", error.hint or "")
        return
    yield Finding(Level.OK, f"COMMAND is {program}")
    changes_user = elevation_notice(command)
    if changes_user is not None:
        yield Finding.of(changes_user, Level.PROBLEM)
    own_proxy = own_proxy_notice(command)
    if own_proxy is not None:
        yield Finding.of(own_proxy, Level.PROBLEM, "an option beats every configuration and variable")
    for told in (own_authority_notice(command), tunnel_notice(command)):
        if told is not None:
            yield Finding.of(told, Level.WARNING)
    other_key = other_key_notice(command) if resigns else None
    if other_key is not None:
        yield Finding.of(other_key, Level.PROBLEM, "no key but the environment's fits what is served")
    yield from _of_the_tool(command)
    yield from look_at_script(Path(program))


def _of_the_tool(command: Sequence[str]) -> Iterator[Finding]:
    tool = tool_of(command)
    if is_apt(command):
        yield Finding(Level.OK, "apt gets lists and a package cache of its own, for each generation")
    elif (passed := passed_wrapper_notice(command)) is not None:
        yield Finding.of(passed, Level.WARNING)
    elif tool in ("mmdebstrap", "debootstrap"):
        yield Finding(Level.OK, f"{tool} goes by http_proxy, which run sets")
    elif tool in _CONTAINERS:
        yield Finding(
            Level.WARNING,
            f"{tool} leaves this machine's environment",
            _ELSEWHERE,
            "hand $APTFREEZE_PROXY in as http_proxy, and use the host's network; see docs/howto/bypass.md",
        )
    elif tool in _ROOTS:
        yield Finding(
            Level.WARNING,
            f"{tool} works in another root",
            "http_proxy gets there, if its own configuration keeps it; the file that APT_CONFIG names does not, so apt "
            "refuses suites older than their Valid-Until, and https, whose authority it does not know",
            "set the apt options of docs/howto/debootstrap.md in that root for the time of the build; for https, "
            "aptfreeze ca says what to do there",
        )
    elif tool in _BITBAKE:
        yield Finding(
            Level.WARNING,
            f"{tool} runs tasks by sudo, as Isar's bootstrap does",
            "sudo drops http_proxy unless sudoers keeps it, and then the mirror is asked directly without a word",
            'in sudoers: Defaults env_keep += "http_proxy https_proxy HTTP_PROXY HTTPS_PROXY"',
        )


def look_at_script(program: Path) -> Iterator[Finding]:
    """Findings about the text of a script; none for a binary program or a script of the system's."""
    if program.is_relative_to("/usr") or program.is_relative_to("/bin"):
        return
    try:
        with program.open("rb") as file:
            text = file.read(_LARGEST)
    except OSError:
        return
    if not text.startswith(b"#!"):
        return
    lines = [line.partition("#")[0] if line.lstrip().startswith("#") else line for line in _lines(text)]
    for pattern, what, fix in _SCRIPT:
        numbers = [number for number, line in enumerate(lines, 1) if pattern.search(line)]
        if numbers:
            shown = ", ".join(map(str, numbers[:_MOST])) + (", ..." if len(numbers) > _MOST else "")
            why = "a script is searched for words only: look whether it matters"
            yield Finding(Level.WARNING, f"{program}, line {shown}: {what}", why, fix)


def _lines(text: bytes) -> list[str]:
    return text.decode(errors="replace").splitlines()
