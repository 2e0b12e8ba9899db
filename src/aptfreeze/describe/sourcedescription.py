# SPDX-License-Identifier: MIT
"""The bytes of a `.dsc`, with or without a signature around its text, to what it describes.

The signature proves nothing here: its maintainer's key is in no keyring of an environment.
"""

from aptfreeze.deb.deb822 import ParseError
from aptfreeze.deb.dsc import SourceDescription, parse
from aptfreeze.trust import clearsign

LARGEST_DSC = 16 << 20
"""Bytes; the largest of Debian have 0.2 MB."""


def described(data: bytes) -> SourceDescription:
    """Raises ParseError."""
    try:
        text = clearsign.parse(data).payload
    except clearsign.NotClearsignedError:
        text = data
    except clearsign.FramingError as error:
        raise ParseError(str(error)) from error
    return parse(text)
