# SPDX-License-Identifier: MIT
import pytest

from aptfreeze.fetch.mirrors import Mirrors
from aptfreeze.settings import MirrorSettings

MIRRORS = Mirrors(
    MirrorSettings(
        {
            "mirror.example.org/debian": (
                "http://Near.example.org:80/debian/",
                "http://far.example.org:8080/d",
                "https://Secure.example.org:443/d",
            ),
            "mirror.example.org/debian/nested": ("http://near.example.org/debian/nested",),
        }
    )
)


@pytest.mark.parametrize(
    ("location", "identity"),
    [
        ("near.example.org/debian/dists/x", "mirror.example.org/debian/dists/x"),
        ("far.example.org:8080/d/pool/a%2bb", "mirror.example.org/debian/pool/a%2bb"),
        ("secure.example.org/d/dists/x", "mirror.example.org/debian/dists/x"),
        ("near.example.org/debian/nested/x", "mirror.example.org/debian/nested/x"),
        ("near.example.org/debian", "mirror.example.org/debian"),
        ("near.example.org/debian-security/x", "near.example.org/debian-security/x"),
        ("mirror.example.org/debian/dists/x", "mirror.example.org/debian/dists/x"),
    ],
)
def test_every_name_of_a_repository_leads_to_its_identity(location: str, identity: str) -> None:
    assert MIRRORS.identify(location) == identity


def test_urls_come_in_the_order_of_the_configuration_and_raw() -> None:
    assert MIRRORS.urls("mirror.example.org/debian", "pool/a%2bb") == (
        "http://Near.example.org:80/debian/pool/a%2bb",
        "http://far.example.org:8080/d/pool/a%2bb",
        "https://Secure.example.org:443/d/pool/a%2bb",
    )


def test_what_was_once_asked_by_https_is_fetched_so_but_mirrors_decide() -> None:
    mirrors = Mirrors(MirrorSettings({"mirror.example.org/debian": ("http://near.example.org/debian",)}))
    mirrors.schemes.asked_by_https("mirror.example.org")
    mirrors.schemes.asked_by_https("other.example.org:8443")
    assert mirrors.urls("mirror.example.org/debian", "y") == ("http://near.example.org/debian/y",)
    assert mirrors.urls("mirror.example.org/x", "y") == ("https://mirror.example.org/x/y",)
    assert mirrors.urls("other.example.org:8443/x", "y") == ("https://other.example.org:8443/x/y",)
    assert mirrors.urls("other.example.org/x", "y") == ("http://other.example.org/x/y",)


def test_hosts_are_those_of_repositories_and_their_mirrors() -> None:
    names = {"mirror.example.org", "near.example.org", "far.example.org:8080", "secure.example.org"}
    assert MIRRORS.hosts == names


def test_a_repository_is_its_own_mirror_by_default() -> None:
    assert MIRRORS.urls("other.example.org/x", "y") == ("http://other.example.org/x/y",)
