# SPDX-License-Identifier: MIT
"""The backbone: a request, and what becomes of it. Real archive, store, keys and mirror; no client sockets."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from aptfreeze.freeze.generation import InRelease, SuiteKey
from aptfreeze.rows import from_values
from aptfreeze.settings import Settings, Sourced
from support.defaults import defaults
from support.faults import Status
from support.handling import Handling
from support.origin import Origin
from support.repository import MakeRepository, Repository
from support.signing import SigningKey

MakeHandling = Callable[..., Handling]


@pytest.fixture
def handling(tmp_path: Path, signing_key: SigningKey) -> Iterator[MakeHandling]:
    """Makes sessions of one environment, each with its own settings by row key."""
    with ExitStack() as stack:

        def make(name: str = "environment", **settings: Any) -> Handling:
            return stack.enter_context(Handling(tmp_path / name, settings_of(tmp_path, signing_key, settings)))

        yield make


def settings_of(folder: Path, key: SigningKey, given: dict[str, Any]) -> Settings:
    values: dict[str, Sourced[Any]] = defaults() | {
        "archive.path": Sourced(folder / "archive"),
        "trust.keyrings": Sourced((key.keyring,)),
        "fetch.retries": Sourced(0),
    }
    return from_values(values | {name.replace("__", "."): Sourced(value) for name, value in given.items()})


def inrelease(repository: Repository) -> str:
    return f"{repository.url}/dists/{repository.layout.suite}/InRelease"


def packages(repository: Repository) -> str:
    return f"{repository.url}/dists/{repository.layout.suite}/main/binary-amd64/Packages.xz"


def key_of(repository: Repository) -> SuiteKey:
    return SuiteKey(repository.url.removeprefix("http://"), repository.layout.suite)


def until_committed(proxy: Handling, repository: Repository) -> None:
    """An index verifies, and beside the answer its suite goes into the lock file."""
    limit = time.monotonic() + 10
    while proxy.store.provisional():
        assert time.monotonic() < limit, "the pin stays provisional"
        assert proxy.get(packages(repository)).status == 200


def test_a_suite_is_provisional_until_its_first_index_has_verified(
    handling: MakeHandling, repository: Repository
) -> None:
    proxy = handling()
    assert proxy.get(inrelease(repository)).body == (repository.suite_folder / "InRelease").read_bytes()
    assert proxy.store.load().pins == {}
    assert list(proxy.store.provisional()) == [key_of(repository)]
    until_committed(proxy, repository)
    (pin,) = proxy.store.load().pins.values()
    assert isinstance(pin.root, InRelease)
    assert [line for line in proxy.told if line.startswith(f"pinned {key_of(repository)}: signed by ")]


def test_many_first_requests_are_one_to_the_mirror(
    handling: MakeHandling, repository: Repository, origin: Origin
) -> None:
    answers = handling().ask(*[inrelease(repository)] * 8)
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert origin.count("*/InRelease") == 1


def test_another_session_follows_the_pin_of_the_first(
    handling: MakeHandling, repository: Repository, origin: Origin
) -> None:
    first, second = handling(), handling()
    body = first.get(inrelease(repository)).body
    repository.add("hello", "2.0")
    repository.publish()
    assert second.get(inrelease(repository)).body == body
    assert origin.count("*/InRelease") == 1


def test_the_release_is_the_text_of_the_inrelease(handling: MakeHandling, repository: Repository) -> None:
    proxy = handling()
    url = inrelease(repository)
    assert proxy.get(url.replace("InRelease", "Release")).body == (repository.suite_folder / "Release").read_bytes()
    assert proxy.get(f"{url.replace('InRelease', 'Release')}.gpg").status == 404


def test_a_package_counts_when_a_client_has_got_it(handling: MakeHandling, repository: Repository) -> None:
    proxy = handling()
    proxy.get(inrelease(repository))
    hello = repository.binary("hello")
    url = f"{repository.url}/{hello.path}"
    assert proxy.get(url, method="HEAD").status == 200
    assert proxy.parts.session.record.usage().packages == ()
    assert proxy.get(url).status == 200
    assert proxy.get(url).status == 200
    (served,) = proxy.parts.session.record.usage().packages
    assert (served.name, served.version, served.sha256.hex) == ("hello", "1.0", hello.sha256)


def test_a_strangers_suite_is_refused_with_a_verdict_and_leaves_nothing(
    handling: MakeHandling, make_repository: MakeRepository, stranger_key: SigningKey
) -> None:
    foreign = make_repository("vendor", key=stranger_key)
    foreign.publish()
    proxy = handling()
    answer = proxy.get(inrelease(foreign))
    assert answer.status == 403
    assert "is in none of the keyrings" in answer.reason
    assert len(proxy.parts.session.verdicts) == 1
    assert proxy.store.load().pins == {}
    assert proxy.store.provisional() == {}


def test_locked_tells_the_line_to_add(handling: MakeHandling, repository: Repository) -> None:
    handling()  # makes the lock file
    proxy = handling(locked=True)
    answer = proxy.get(inrelease(repository))
    assert answer.status == 403
    assert f'"{key_of(repository)}" = {{ inrelease = "sha256:'.encode() in answer.body
    assert len(proxy.parts.session.verdicts) == 1


def test_offline_asks_nobody(handling: MakeHandling, repository: Repository, origin: Origin) -> None:
    proxy = handling(offline=True)
    answer = proxy.get(inrelease(repository))
    assert (answer.status, origin.count()) == (403, 0)
    assert "--offline" in answer.reason


def test_a_suite_that_no_mirror_has_is_404_and_no_news(handling: MakeHandling, repository: Repository) -> None:
    proxy = handling()
    assert proxy.get(f"{repository.url}/dists/no-such-suite/InRelease").status == 404
    assert proxy.told == []


def test_what_a_release_lists_and_no_mirror_has_stays_404(
    handling: MakeHandling, repository: Repository, origin: Origin
) -> None:
    proxy = handling()
    proxy.get(inrelease(repository))
    until_committed(proxy, repository)
    listed = f"{repository.url}/dists/bookworm/main/source/Sources.xz"
    origin.inject("*/source/*", Status(404))
    first = proxy.get(listed).status
    origin.heal()
    assert (first, proxy.get(listed).status) == (404, 404)
    assert handling(offline=True).get(listed).status == 404


def test_one_suite_under_two_names_is_warned_about(
    handling: MakeHandling, repository: Repository, make_repository: MakeRepository
) -> None:
    proxy = handling()
    proxy.get(inrelease(repository))
    moved = make_repository("mirror/debian")
    moved.add("hello", "2.0")
    moved.publish()
    proxy.get(inrelease(moved))
    (warning,) = proxy.parts.session.notices
    assert "[mirrors]" in warning
    assert str(key_of(repository)) in warning


def test_other_names_of_a_repository_lead_to_its_pins(
    handling: MakeHandling, repository: Repository, origin: Origin
) -> None:
    proxy = handling(mirrors={"mirror.example.org/debian": (repository.url,)})
    by_mirror = proxy.get(inrelease(repository))
    by_name = proxy.get("http://mirror.example.org/debian/dists/bookworm/InRelease")
    assert (by_mirror.status, by_mirror.body) == (200, by_name.body)
    assert list(proxy.store.provisional()) == [SuiteKey("mirror.example.org/debian", "bookworm")]
    assert origin.count("*/InRelease") == 1


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/debian/dists/sid/InRelease", 400),
        ("GET", "http://mirror.example.org/a/../b", 400),
        ("CONNECT", "mirror.example.org:443", 200),
        ("TRACE", "http://mirror.example.org/", 501),
        ("POST", "https://mirror.example.org/", 501),
        ("OPTIONS", "*", 501),
        ("POST", "/debian/", 400),
    ],
)
def test_what_is_no_request_for_a_proxy(handling: MakeHandling, method: str, target: str, status: int) -> None:
    assert handling().get(target, method=method).status == status


def test_a_body_inside_of_https_is_refused_with_the_setting_that_lets_it_pass(handling: MakeHandling) -> None:
    answer = handling().get("https://git.example.org:8443/x", method="POST")
    assert answer.reason == (
        'POST is not passed through inside of https that is served frozen; list "git.example.org" in [tls] tunnel, and '
        "all its https passes by"
    )


def test_a_connect_that_names_no_host_is_its_clients_mistake_alone(handling: MakeHandling) -> None:
    proxy = handling()
    for target in ("a..example.org:443", "a" * 64 + ":443", "[mirror]:443", "mirror.example.org:65536"):
        assert proxy.get(target, method="CONNECT").status == 400
    assert (proxy.parts.session.verdicts, proxy.parts.session.failures) == ([], [])
