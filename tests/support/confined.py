# SPDX-License-Identifier: MIT
"""The product with something taken away from it: a disk, the right to write."""

import os

from support.aptfreeze import Aptfreeze


class Confined(Aptfreeze):
    """The product, each of its processes below a command that takes something away from it."""

    prefix: tuple[str, ...] = ()

    def line(self, *arguments: str) -> list[str]:
        return [*self.prefix, *super().line(*arguments)]


def protect(confined: Confined, *, writable: bool = False) -> None:
    """Makes the archive read-only: for root by a mount, since permissions do not bind it."""
    if os.geteuid() == 0:
        mount = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
        confined.prefix = ("unshare", "--mount", "sh", "-c", mount, str(confined.archive))
        return
    for folder in [confined.archive, *(path for path in confined.archive.rglob("*") if path.is_dir())]:
        folder.chmod(0o755 if writable else 0o555)
