# SPDX-License-Identifier: MIT
"""SHA256SUMS files, as debian-installer has one beside its images: the second step of the chain to them.

The form is that of sha256sum(1): `hex`, a blank, a blank or `*`, the name. Rule: every line counts or is an error.
"""

import re
from collections.abc import Mapping

from aptfreeze.deb.deb822 import ParseError
from aptfreeze.deb.filelist import listed_path

_LIMIT = 16 << 20
"""Bytes of one file; Debian's have some 20 kB."""

_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](.+)")


def sha256sums(data: bytes) -> Mapping[str, str]:
    """Lower-case hex by path (`./netboot/mini.iso` is `netboot/mini.iso`); paths that lead out are left out.

    The first line of a name counts. Raises ParseError.
    """
    if len(data) > _LIMIT:
        raise ParseError(f"a list of checksums larger than {_LIMIT} bytes")
    sums: dict[str, str] = {}
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), start=1):
        if not line.strip(" \t"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ParseError(f'not "sha256  name": {line[:80]!r}', number)
        path = listed_path(match[2])
        if path is not None:
            sums.setdefault(path, match[1].lower())
    return sums
