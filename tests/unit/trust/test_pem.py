# SPDX-License-Identifier: MIT
"""A certificate is found beside its key."""

import subprocess
import sys

import pytest

from aptfreeze.trust.pem import certificate_in

CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----\n"
KEY = b"-----BEGIN PRIVATE KEY-----\nCCCC\n-----END PRIVATE KEY-----\n"


def test_it_is_found_whatever_is_around_it() -> None:
    assert certificate_in(KEY + CERTIFICATE + CERTIFICATE + KEY) == CERTIFICATE


@pytest.mark.parametrize("pem", [b"", KEY, CERTIFICATE[:-5], CERTIFICATE[5:], CERTIFICATE[30:] + CERTIFICATE[:30]])
def test_there_is_none(pem: bytes) -> None:
    assert certificate_in(pem) is None


def test_to_read_one_what_makes_them_is_not_loaded() -> None:
    """It is read in each start of `run`."""
    text = "import sys, aptfreeze.environment.authorities; sys.exit('aptfreeze.trust.authority' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", text]).returncode == 0
