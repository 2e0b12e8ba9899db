# SPDX-License-Identifier: MIT
"""Messages between `run` and its keeper, each a small JSON object that may bring open descriptors.

Rule 1: a message is a length of four bytes, to which the descriptors are tied, and its text.
Rule 2: descriptors arrive close-on-exec, so none of them reaches COMMAND by mistake.
Rule 3: a peer that is gone is an EOFError for who reads or writes, never a signal.
"""

import json
import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any, Final

_LENGTH_BYTES: Final = 4
_MOST_DESCRIPTORS: Final = 1


class Channel:
    """One end of a connected pair of stream sockets, which it owns."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def fileno(self) -> int:
        return self._end.fileno()

    def send(self, message: Mapping[str, Any], *descriptors: int) -> None:
        """The peer gets copies of the descriptors. EOFError if it is gone."""
        text = json.dumps(message).encode()  # ASCII: words that are no text are kept as lone surrogates
        try:
            socket.send_fds(self._end, [len(text).to_bytes(_LENGTH_BYTES, "big")], descriptors)
            self._end.sendall(text)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise EOFError from error

    def receive(self) -> tuple[dict[str, Any], Sequence[int]]:
        """The next message and the descriptors that came with it. EOFError if the peer is gone."""
        try:
            length, descriptors, _, _ = socket.recv_fds(self._end, _LENGTH_BYTES, _MOST_DESCRIPTORS)
            for descriptor in descriptors:
                os.set_inheritable(descriptor, False)  # Python 3.11 does not pass a flag on that would do it
            message = json.loads(self._exactly(int.from_bytes(length, "big")) if length else b"null")
        except ConnectionResetError as error:
            raise EOFError from error
        if message is None:
            raise EOFError
        return message, descriptors

    def close(self) -> None:
        self._end.close()

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            more = os.read(self._end.fileno(), size - len(data))
            if not more:
                raise EOFError
            data += more
        return bytes(data)
