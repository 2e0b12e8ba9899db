# SPDX-License-Identifier: MIT
"""The error tree: what happened (with the values) and why, a hint that fixes it, an exit code, an HTTP status.

A class exists only if code catches it, or if it has an exit code or a status of its own. Only `cli` exits with
`exit_code`, only `serve.proxy` answers with `status`.
"""

from typing import ClassVar, Final

BUG: Final = 1
SOMETHING_NEW: Final = 10
"""Of `update --dry-run`; no failure."""
CANCELLED: Final = 130
"""128 + SIGINT, as a shell says it."""
OWN_FAILURE_OF_RUN: Final = 125
"""Of `run`, for our own failures and verdicts, whatever COMMAND ended with."""


class AptfreezeError(Exception):
    """Base of every error that is told to a person; raised itself only for what fits no class below."""

    exit_code: ClassVar[int] = 1
    """The exit status of every verb but `run`."""
    status: ClassVar[int] = 500
    """The HTTP status of the answer when a request ends in this error."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def run_status(self) -> int:
        """The exit status of `run`."""
        return OWN_FAILURE_OF_RUN

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\nHint: {self.hint}"


class StorageError(AptfreezeError):
    """The archive cannot be written: a full disk, no permission, a folder that can only be read."""

    status = 507  # unlike other 5xx, apt does not ask again after it


class UsageError(AptfreezeError):
    """Bad input: a flag, the configuration, the lock file, a request that makes no sense."""

    exit_code = 2
    status = 400


class RefusedError(AptfreezeError):
    """Policy says no: an untrusted Release, a suite that `--locked` does not know, a denied host."""

    exit_code = 2
    status = 403


class IntegrityError(AptfreezeError):
    """Bytes or files that are missing or not what their hash says."""

    exit_code = 3
    status = 502


class OfflineError(IntegrityError):
    """What is asked is not in the archive and `--offline` forbids to fetch it."""

    status = 403  # not 404 (apt would take it for "does not exist") and not 5xx (apt would ask again)


class UpstreamError(AptfreezeError):
    """No supplier could deliver: the mirror is away, answers an error, or serves wrong bytes."""

    exit_code = 4
    status = 502


class MidSyncError(UpstreamError):
    """The mirror's InRelease and its index files belong to different states; asking again later helps."""

    status = 503
    retry_after_s: ClassVar[int] = 5


class MissingUpstreamError(UpstreamError):
    """Every supplier answered, and each said that it does not have the file (HTTP 404 or 410)."""

    status = 404
