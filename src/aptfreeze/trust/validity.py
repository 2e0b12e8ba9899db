# SPDX-License-Identifier: MIT
"""From when to when a certificate is valid, by every version of `cryptography` that we work with."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509


def validity(certificate: "x509.Certificate") -> tuple[datetime, datetime]:
    """The first and the last moment."""
    if hasattr(certificate, "not_valid_after_utc"):  # since cryptography 42
        return certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return certificate.not_valid_before.replace(tzinfo=UTC), certificate.not_valid_after.replace(tzinfo=UTC)
