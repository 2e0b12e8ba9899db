# SPDX-License-Identifier: MIT
"""Events that nobody waits for but that the log and the summary must tell: wrong bytes, quarantines."""

from aptfreeze.freeze.digest import Digest
from aptfreeze.values import immutable


@immutable
class Notice:
    """Something was not what it should have been, and was dealt with."""

    subject: Digest
    where: str
    """The supplier: a URL, or `archive`."""
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what} ({self.subject})"
