# SPDX-License-Identifier: MIT
"""How a supplier can fail, as far as it decides what is tried next.

`errors.MissingUpstreamError` (it has not got the file) and a plain `UpstreamError` (it refuses) end the attempts with
that supplier; so does `WrongBytesError`, which also is remembered. `PassingError` is tried again.
"""

from aptfreeze.errors import MissingUpstreamError, UpstreamError


class PassingError(UpstreamError):
    """It may work later: a timeout, a cut connection, 429, 5xx."""

    def __init__(self, message: str, *, after_s: float = 0.0) -> None:
        super().__init__(message)
        self.after_s = after_s
        """Not before so many seconds (Retry-After)."""


class UnreachableError(PassingError):
    """The host cannot be reached, or fell silent: others should be asked first for a while."""


class UnconnectedError(UnreachableError):
    """Nobody accepts connections there."""


class UntrustedError(UpstreamError):
    """By TLS, the server did not prove who it is, or did not accept who we are.

    Others should be asked first for a while; asking again is no use.
    """


class LostConnectionError(PassingError):
    """The server ended the connection before the first byte of this answer: the request may be sent again."""


class NoHttpError(PassingError):
    """What came is no HTTP/1.1."""


class WrongBytesError(UpstreamError):
    """The supplier has other bytes under that name."""


class NoPlaceError(MissingUpstreamError):
    """The place that one of several suppliers stands for does not exist; the first of them tells why."""


class UnusableRangeError(PassingError):
    """The supplier cannot go on where the partial file ends; all of it has to be asked for."""


class ReplacedError(PassingError):
    """Bytes that were shown turned out wrong, and others take their place: to be joined again, from the beginning."""


class ForgoneError(ReplacedError):
    """Nobody wanted it any more when its turn came; to be joined again by whoever does now."""


class ClosingError(UpstreamError):
    """This process is about to end and fetches nothing more."""
