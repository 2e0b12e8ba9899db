# SPDX-License-Identifier: MIT
"""The certificate in a PEM file that holds a key, too: apart from what makes them, since every start reads one."""

from typing import Final

_BEGIN: Final = b"-----BEGIN CERTIFICATE-----\n"
_END: Final = b"\n-----END CERTIFICATE-----\n"


def certificate_in(pem: bytes) -> bytes | None:
    """The first certificate among what `Authority.pem` has written, for those who need no more; None if there is none.

    >>> certificate_in(b"a key\\n-----BEGIN CERTIFICATE-----\\nx\\n-----END CERTIFICATE-----\\n")
    b'-----BEGIN CERTIFICATE-----\\nx\\n-----END CERTIFICATE-----\\n'
    """
    begin = pem.find(_BEGIN)
    end = pem.find(_END, begin)
    return None if begin < 0 or end < 0 else pem[begin : end + len(_END)]
