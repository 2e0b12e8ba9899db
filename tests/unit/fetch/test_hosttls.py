# SPDX-License-Identifier: MIT
from pathlib import Path

import pytest

from aptfreeze.fetch.hosttls import HostTls
from aptfreeze.fetch.url import Endpoint
from aptfreeze.settings import TlsSettings

SETTINGS = TlsSettings(
    Path("/general.pem"),
    {
        "a.example.org": {"ca": Path("/a.pem")},
        "a.example.org:8443": {"client_certificate": Path("/client.pem"), "client_key": Path("/client.key")},
        "[::1]:8443": {"ca": Path("/six.pem")},
    },
)


@pytest.mark.parametrize(
    ("url", "chosen"),
    [
        ("https://a.example.org/x", HostTls(Path("/a.pem"), uses_system_cas=False)),
        (
            "https://a.example.org:8443/",
            HostTls(Path("/general.pem"), True, Path("/client.pem"), Path("/client.key")),
        ),
        ("https://b.example.org/", HostTls(Path("/general.pem"))),
        ("https://[::1]:8443/", HostTls(Path("/six.pem"), uses_system_cas=False)),
    ],
)
def test_a_ca_of_one_host_counts_alone_and_a_general_one_beside_those_of_the_machine(url: str, chosen: HostTls) -> None:
    assert HostTls.of(Endpoint.parse(url), SETTINGS) == chosen


def test_by_default_the_machine_decides() -> None:
    assert HostTls.of(Endpoint.parse("https://a.example.org/"), TlsSettings()) == HostTls()
