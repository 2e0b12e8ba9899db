# SPDX-License-Identifier: MIT
"""What an entry of a list of hosts holds, and whom an environment's files name."""

import pytest

from aptfreeze.fetch.places import Named, Place, shown
from aptfreeze.fetch.url import Endpoint
from aptfreeze.rows import from_values
from aptfreeze.settings import Sourced
from support.defaults import defaults


@pytest.mark.parametrize(
    ("place", "host", "port", "path", "holds"),
    [
        ("www.example.org", "www.example.org", 80, "/x", True),
        ("www.example.org", "www.example.org", 443, None, True),
        ("www.example.org", "www.example.org", 22, None, False),
        ("www.example.org", "example.org", 80, "/", False),
        ("www.example.org", "a.www.example.org", 80, "/", False),
        ("www.example.org:8080", "www.example.org", 8080, "/", True),
        ("www.example.org:8080", "www.example.org", 80, "/", False),
        ("*.example.org", "www.example.org", 80, "/", True),
        ("*.example.org", "a.b.example.org", 443, None, True),
        ("*.example.org", "example.org", 80, "/", False),
        ("*.example.org", "badexample.org", 80, "/", False),
        ("*.example.org:8080", "www.example.org", 8080, "/", True),
        ("www.example.org/files", "www.example.org", 80, "/files", True),
        ("www.example.org/files/", "www.example.org", 80, "/files/a", True),
        ("www.example.org/files", "www.example.org", 80, "/filesystem", False),
        ("www.example.org/files", "www.example.org", 443, None, False),
        ("[::1]:8080", "::1", 8080, "/", True),
        ("[2001:db8::1]", "2001:db8::1", 80, "/", True),
    ],
)
def test_what_an_entry_of_the_list_holds(place: str, host: str, port: int, path: str | None, holds: bool) -> None:
    assert Place.parse(place).holds(host, port, path) is holds


def test_hosts_are_shown_as_one_lists_them() -> None:
    assert (shown("::1", 8080), shown("a.example.org", 443)) == ("[::1]:8080", "a.example.org")


@pytest.mark.parametrize(
    ("url", "is_named"),
    [
        ("http://near.example.org/deb/x", True),
        ("https://near.example.org/deb/x", False),  # another port, so perhaps another server
        ("http://snapshot.example.org/", True),
        ("https://allowed.example.org/x", True),
        ("http://served.example.org/other", True),
        ("http://further.example.org/", True),
        ("http://mirror.example.org/debian/x", False),
    ],
)
def test_whom_an_environments_settings_name(url: str, is_named: bool) -> None:
    values = defaults() | {
        "mirrors": Sourced({"mirror.example.org/debian": ("http://near.example.org/deb",)}),
        "snapshot.service": Sourced("http://snapshot.example.org"),
        "policy.allow": Sourced(("allowed.example.org",)),
        "policy.serve": Sourced(("served.example.org/debian",)),
    }
    named = Named.by(from_values(values), ["http://further.example.org/x"])
    assert named.holds(Endpoint.parse(url)) is is_named
