# SPDX-License-Identifier: MIT
"""Whom COMMAND's apt trusts by https: those that it trusts without us, and our own authority beside them.

Rule 1: nobody is taken away: a host of [tls] tunnel shows its own certificate.
Rule 2: it is one file in the session folder: apt takes one, and by `Acquire::https::CAInfo` alone.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from aptfreeze.fetch.aptread import Option

_SYSTEM: Final = Path("/etc/ssl/certs/ca-certificates.crt")
"""What apt takes where nothing is configured (Debian's ca-certificates)."""
_CA_INFO: Final = re.compile(r"(?:Binary::[^:]+::)?Acquire::https::(?:.+::)?CAInfo(?:::.+)?", re.IGNORECASE)


def write_authorities(file: Path, certificate: bytes, own: Iterable[Option]) -> None:
    """Write the new file; `own` is what apt's configuration says without us."""
    configured = [Path(option.value) for option in ca_options(own)]
    parts = [certificate]
    for each in dict.fromkeys([*configured, _SYSTEM]):
        with suppress(OSError):  # apt would find no certificates there either
            parts.append(each.read_bytes())
    file.write_bytes(b"\n".join(parts))


def ca_options(own: Iterable[Option]) -> list[Option]:
    """Those that would name other authorities, for one host or program too."""
    return [option for option in own if option.value and _CA_INFO.fullmatch(option.name)]
