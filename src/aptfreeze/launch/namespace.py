# SPDX-License-Identifier: MIT
"""A network namespace in which nothing exists but one listening socket, and why there is none.

The socket is made inside and belongs to the namespace for its life, whoever accepts from it. So the proxy needs no
interface in there, and nothing that is routed leads out: lo is the only device, and nothing else listens on it.

Two calls, for between them the ids of the user namespace are mapped, by somebody outside.
"""

import ctypes
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aptfreeze.errors import AptfreezeError

PORT: Final = 3142
"""Free in every new namespace; the same one each time, so that no build differs by it."""

_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 0x1
_BACKLOG: Final = 1024

_CLONE = "kernel.unprivileged_userns_clone"
_APPARMOR = "kernel.apparmor_restrict_unprivileged_userns"
_LIMITS = ("user.max_user_namespaces", "user.max_net_namespaces")


def leave_network(*, with_user: bool) -> None:
    """Put the calling process, which must have one thread, into a network namespace of its own; OSError if forbidden.

    `with_user`: into a user namespace as well, without which only root can.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET | (_CLONE_NEWUSER if with_user else 0)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def listen_inside() -> socket.socket:
    """Bring up lo in the present namespace and listen on 127.0.0.1:PORT; OSError if forbidden."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", _IFF_UP))
    return socket.create_server(("127.0.0.1", PORT), backlog=_BACKLOG)


def sysctl(name: str) -> str:
    """A kernel setting; empty where the kernel does not have it."""
    try:
        return Path("/proc/sys", *name.split(".")).read_text().strip()
    except OSError:
        return ""


def forbidden(number: int, *, with_user: bool, setting: Callable[[str], str] = sysctl) -> AptfreezeError:
    """Why there is no namespace, from the number of the error and the kernel's settings."""
    kind = "user and network namespace" if with_user else "network namespace"
    what = f"--isolate needs a {kind}, and the kernel gives none: {os.strerror(number)}"
    for name in _LIMITS if number == errno.ENOSPC else ():
        if setting(name).isdecimal():
            what += f" ({name} = {setting(name)})"
    return AptfreezeError(what, hint=_hint(number, setting) if with_user else _hint_for_root(number))


def _hint(number: int, setting: Callable[[str], str]) -> str:
    root = '; or let root make it: "sudo aptfreeze run --isolate --user NAME -- ..."'
    if number == errno.ENOSPC:
        return f"raise the limit: sysctl -w {_LIMITS[0]}=10000 {_LIMITS[1]}=10000{root}"
    if setting(_CLONE) == "0":
        return f"allow them: sysctl -w {_CLONE}=1{root}"
    if setting(_APPARMOR) == "1":
        return f"allow them: sysctl -w {_APPARMOR}=0{root}"
    if number == errno.EINVAL:
        return "the kernel needs CONFIG_USER_NS and CONFIG_NET_NS"
    return f"a container's seccomp filter forbids it (docker: --security-opt seccomp=unconfined), or a chroot{root}"


def _hint_for_root(number: int) -> str:
    if number == errno.ENOSPC:
        return f"raise the limit: sysctl -w {_LIMITS[1]}=10000"
    if number == errno.EINVAL:
        return "the kernel needs CONFIG_NET_NS"
    return (
        "root in a container lacks CAP_SYS_ADMIN or CAP_NET_ADMIN: start the container with both "
        "(docker: --cap-add SYS_ADMIN --cap-add NET_ADMIN)"
    )
