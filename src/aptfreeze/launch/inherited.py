# SPDX-License-Identifier: MIT
"""Descriptors that lead out of a namespace: a socket belongs for its life to the one that it was made in.

COMMAND inherits all that we have inherited. A connection among it (a service's, or one that a CI agent has leaked)
would be a network beside the proxy's. Unix sockets are left: what they lead to is no IP network, and a namespace does
not close those with a path either.
"""

import os
import socket
import stat
from collections.abc import Iterator

from aptfreeze.errors import UsageError
from aptfreeze.launch.notice import Notice

_STANDARD = ("input", "output", "error")


def withhold_sockets() -> tuple[Notice, ...]:
    """Keep sockets of the network outside from all programs that are started from now on; a notice if there are any.

    UsageError if it is one of the standard streams, which cannot be kept from anybody.
    """
    found = sorted(_outer_sockets())
    for number in found:
        if number < len(_STANDARD):
            raise UsageError(
                f"standard {_STANDARD[number]} is a socket of the network outside, and --isolate is to close that",
                hint="put a pipe between, for example with cat",
            )
        os.set_inheritable(number, False)
    if not found:
        return ()
    numbers = ", ".join(map(str, found))
    return (Notice(f"not handed to the command: descriptor {numbers}, a socket of the network outside"),)


def _outer_sockets() -> Iterator[int]:
    for number in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208 - numbers, not paths
        try:
            if (
                os.get_inheritable(number)
                and stat.S_ISSOCK(os.fstat(number).st_mode)
                and _domain(number) != socket.AF_UNIX
            ):
                yield number
        except OSError:
            continue  # that of the listing itself, closed by now


def _domain(number: int) -> int:
    """What socket(2) calls the domain: `AF_INET`, `AF_UNIX`, ..."""
    borrowed = socket.socket(socket.AF_UNIX, fileno=number)  # the family that is said here is not looked at
    try:
        return borrowed.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN)
    finally:
        borrowed.detach()
