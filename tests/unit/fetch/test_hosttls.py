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


APT = {
    "acquire::https::cainfo": "/apts.pem",
    "acquire::https::cainfo::b.example.org": "/b.pem",
    "acquire::https::c.example.org::cainfo": "/c.pem",
    "acquire::https::sslcert": "/everybody.pem",
    "acquire::https::sslcert::b.example.org": "/client-b.pem",
    "acquire::https::sslkey::b.example.org": "/client-b.key",
}
CLIENT = (Path("/client-b.pem"), Path("/client-b.key"))


def from_apt(host: str, settings: TlsSettings, **more: str) -> HostTls:
    return HostTls.of(Endpoint.parse(f"https://{host}/"), settings, APT | more)


def test_what_apt_is_told_counts_where_no_setting_does() -> None:
    nothing = TlsSettings()
    said = [from_apt(f"{name}.example.org", nothing) for name in "abc"]
    assert [(tls.ca, tls.uses_system_cas) for tls in said] == [
        (Path("/apts.pem"), False),
        (Path("/b.pem"), False),
        (Path("/c.pem"), False),
    ]
    assert said[1].named_by == "Acquire::https::CAInfo::b.example.org of apt"
    assert from_apt("a.example.org", SETTINGS).ca == Path("/a.pem")
    assert from_apt("b.example.org", SETTINGS) == HostTls(Path("/general.pem"), True, *CLIENT)


def test_a_client_certificate_of_apt_is_shown_only_where_it_is_for_the_host() -> None:
    said = [from_apt(f"{name}.example.org", TlsSettings()) for name in "ab"]
    assert [(tls.client_certificate, tls.client_key) for tls in said] == [(None, None), CLIENT]
    own = from_apt("a.example.org:8443", SETTINGS, **{"acquire::https::sslcert::a.example.org": "/apts.pem"})
    assert own.client_certificate == Path("/client.pem")


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("Acquire::https::Verify-Peer", "false", 'Acquire::https::Verify-Peer "false"'),
        ("Acquire::https::Verify-Host::a.example.org", "No", 'Acquire::https::Verify-Host::a.example.org "No"'),
        ("Acquire::https::Verify-Peer::b.example.org", "false", ""),
        ("Acquire::https::Verify-Peer", "true", ""),
    ],
)
def test_a_check_that_apt_does_not_make_is_made_and_told(option: str, value: str, told: str) -> None:
    assert from_apt("a.example.org", TlsSettings(), **{option.lower(): value}).unchecked_by == told
