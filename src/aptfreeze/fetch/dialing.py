# SPDX-License-Identifier: MIT
"""From a host's name to a connected socket. OSErrors do not leave this module."""

import socket
from typing import TYPE_CHECKING

from aptfreeze.fetch.failures import UnconnectedError, UnreachableError

if TYPE_CHECKING:
    from aptfreeze.fetch.addresses import AddressCheck


def connect(
    host: str, port: int, *, connect_timeout_s: float, read_timeout_s: float, check: "AddressCheck | None" = None
) -> socket.socket:
    """A connected socket; UnreachableError if no address of the host answers, what `check` says of one of them.

    Addresses are tried in the order of the resolver, each for the whole time limit.
    """
    peer = f"{host}:{port}"
    try:
        wire = _first_that_answers(host, port, connect_timeout_s, check)
    except socket.gaierror as error:
        raise UnreachableError(f"cannot resolve {host} ({error.strerror})") from error
    except UnicodeError as error:  # the resolver's codec refuses it: an empty label, or one of more than 63 characters
        raise UnreachableError(f"cannot resolve {host!r:.300}: it is no host name") from error
    except TimeoutError as error:
        raise UnconnectedError(f"{peer} did not accept a connection within {connect_timeout_s:g} s") from error
    except OSError as error:
        raise UnconnectedError(f"cannot connect to {peer} ({error.strerror or error})") from error
    wire.settimeout(read_timeout_s)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return wire


def _first_that_answers(host: str, port: int, timeout_s: float, check: "AddressCheck | None") -> socket.socket:
    failure = OSError("it has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        if check is not None:  # here, where nothing resolves the name once more
            check(str(address[0]), port)
        wire = socket.socket(family, kind, protocol)
        try:
            wire.settimeout(timeout_s)
            wire.connect(address)
        except OSError as error:
            wire.close()
            failure = error
        else:
            return wire
    raise failure
