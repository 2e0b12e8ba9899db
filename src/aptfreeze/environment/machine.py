# SPDX-License-Identifier: MIT
"""This machine, in Debian's words."""

import os

_DEBIAN = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "armhf",
    "armv6l": "armel",
    "i386": "i386",
    "i586": "i386",
    "i686": "i386",
    "loongarch64": "loong64",
    "mips64": "mips64el",
    "parisc64": "hppa",
    "ppc": "powerpc",
    "ppc64le": "ppc64el",
    "riscv64": "riscv64",
    "s390x": "s390x",
}


def architecture() -> str:
    """Debian's name of this machine's architecture; the kernel's where Debian has none."""
    kernel = os.uname().machine
    return _DEBIAN.get(kernel, kernel)
