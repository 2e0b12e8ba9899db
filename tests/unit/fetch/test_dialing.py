# SPDX-License-Identifier: MIT
"""Names and addresses that cannot be reached. Those that may not be: test_addresses.py."""

import socket

import pytest

from aptfreeze.fetch.dialing import connect
from aptfreeze.fetch.failures import UnreachableError


@pytest.mark.parametrize("host", ["mirror..example.org", ".example.org", "a" * 64 + ".example.org", ".."])
def test_a_name_that_the_resolver_cannot_even_ask_for_is_a_host_that_cannot_be_reached(host: str) -> None:
    with pytest.raises(UnreachableError, match="it is no host name"):
        connect(host, 80, connect_timeout_s=1, read_timeout_s=1)


def test_a_port_where_nobody_listens_is_told_with_host_and_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UnreachableError, match=f"127.0.0.1:{port}"):
        connect("127.0.0.1", port, connect_timeout_s=1, read_timeout_s=1)


def test_what_it_reaches_has_the_read_timeout() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        connect("127.0.0.1", server.getsockname()[1], connect_timeout_s=1, read_timeout_s=7) as wire,
    ):
        assert wire.gettimeout() == 7
