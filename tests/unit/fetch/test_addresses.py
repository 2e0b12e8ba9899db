# SPDX-License-Identifier: MIT
"""Which addresses are public, in every form that one can write; and which are our own."""

import socket
import subprocess
import sys

import pytest

from aptfreeze.errors import RefusedError
from aptfreeze.fetch.addresses import AddressCheck, is_loopback, is_own, kind_of
from aptfreeze.fetch.dialing import connect
from support.isolation import needs_namespaces


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("127.8.8.8", "loopback"),
        ("::1", "loopback"),
        ("0.0.0.0", "unspecified"),
        ("::", "unspecified"),
        ("0.1.2.3", "private or reserved"),
        ("10.1.2.3", "private or reserved"),
        ("172.31.255.255", "private or reserved"),
        ("192.168.0.1", "private or reserved"),
        ("100.100.100.200", "private or reserved"),
        ("169.254.169.254", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("fd00:ec2::254", "private or reserved"),
        ("fec0::1", "private"),
        ("224.0.0.251", "multicast"),
        ("ff02::1", "multicast"),
        ("255.255.255.255", "private or reserved"),
        ("240.0.0.1", "private or reserved"),
        ("192.0.2.1", "private or reserved"),
        ("2001:db8::1", "private or reserved"),
    ],
)
def test_addresses_that_not_everybody_can_reach(address: str, kind: str) -> None:
    assert kind in (kind_of(address) or "")


@pytest.mark.parametrize("template", ["::ffff:{}", "::{}", "64:ff9b::{}", "2002:{hex}::1"])
@pytest.mark.parametrize(("address", "digits"), [("169.254.169.254", "a9fe:a9fe"), ("10.0.0.1", "0a00:0001")])
def test_an_ipv4_address_is_found_in_every_ipv6_form(template: str, address: str, digits: str) -> None:
    assert kind_of(template.format(address, hex=digits)) is not None


def test_a_gateway_of_the_own_network_may_lead_anywhere() -> None:
    assert kind_of("64:ff9b:1::808:808") is not None


@pytest.mark.parametrize("address", ["8.8.8.8", "172.32.0.1", "2a00:1450::5", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    assert kind_of(address) is None


def test_a_client_on_loopback_is_one_in_every_form() -> None:
    assert all(is_loopback(each) for each in ("127.0.0.1", "::1", "::ffff:127.0.0.1"))
    assert not any(is_loopback(each) for each in ("", "somebody", "192.0.2.1", "0.0.0.0"))


@pytest.mark.parametrize(
    ("listening", "address", "port", "is_ours"),
    [
        ("127.0.0.1", "127.0.0.1", 3142, True),
        ("127.0.0.1", "::ffff:127.0.0.1", 3142, True),
        ("127.0.0.1", "0.0.0.0", 3142, True),  # connecting to it is connecting to loopback
        ("127.0.0.1", "127.0.0.1", 80, False),
        ("127.0.0.1", "192.0.2.1", 3142, False),
        ("0.0.0.0", "127.0.0.7", 3142, True),
        ("0.0.0.0", "192.0.2.1", 3142, False),
        ("::", "127.0.0.1", 3142, True),
    ],
)
def test_we_know_ourselves(listening: str, address: str, port: int, is_ours: bool) -> None:
    assert is_own(address, port, frozenset({(listening, 3142)})) is is_ours


def test_who_listens_on_all_addresses_knows_the_ones_that_no_list_has() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing: only chooses the address that would be used
        address = probe.getsockname()[0]
    assert is_own(address, 3142, frozenset({("0.0.0.0", 3142)}))


_A_MACHINE_AT = """
import fcntl, socket, struct, sys
from aptfreeze.errors import RefusedError
from aptfreeze.fetch.addresses import AddressCheck
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    address = struct.pack("16sH2s4s8s", b"lo", socket.AF_INET, b"", socket.inet_aton("8.8.8.8"), b"")
    fcntl.ioctl(any_socket, 0x8916, address)  # netdevice(7): SIOCSIFADDR
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14s", b"lo", 1, b""))  # SIOCSIFFLAGS: up
check = AddressCheck("db.example.org", frozenset(), is_public_only=True)
check("9.9.9.9", 80)
try:
    check("8.8.8.8", 80)
except RefusedError as error:
    print(error.message)
"""


@needs_namespaces()
def test_a_public_address_of_this_machine_is_not_one_that_everybody_reaches() -> None:
    command = ["unshare", "--map-root-user", "--net", sys.executable, "-c", _A_MACHINE_AT]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "db.example.org is at 8.8.8.8, an address of this machine: not passed on to" in done.stdout


def test_even_a_client_on_loopback_gets_no_circle() -> None:
    check = AddressCheck("proxy.example.org:3142", frozenset({("127.0.0.1", 3142)}), is_public_only=False)
    check("127.0.0.1", 80)
    with pytest.raises(RefusedError, match="is this proxy itself"):
        check("127.0.0.1", 3142)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0"])
def test_what_counts_is_the_address_that_is_connected_to_however_it_was_written(host: str) -> None:
    """Nobody listens on port 9: had it been tried, the error would say so."""
    check = AddressCheck(host, frozenset(), is_public_only=True)
    with pytest.raises(RefusedError, match=r"at (127\.0\.0\.1|::1|0\.0\.0\.0)"):
        connect(host, 9, connect_timeout_s=1, read_timeout_s=1, check=check)


def test_the_name_is_resolved_once_so_that_a_second_answer_cannot_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, judged = [], []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def resolve(host: str, *_: object, **__: object) -> list[object]:
            asked.append(host)
            address = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, port))]

        class Watching(AddressCheck):
            def __call__(self, address: str, port: int) -> None:
                judged.append(address)

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        check = Watching("rebinding.example.org", frozenset(), is_public_only=True)
        with connect("rebinding.example.org", port, connect_timeout_s=5, read_timeout_s=5, check=check) as wire:
            assert judged == [wire.getpeername()[0]]
    assert asked == ["rebinding.example.org"]
