# SPDX-License-Identifier: MIT
from concurrent.futures import ThreadPoolExecutor

import pytest

from aptfreeze.fetch.schemes import Schemes

HOST = "mirror.example.org"


def never() -> bool:
    raise AssertionError("https was tried")


def test_what_was_once_asked_by_https_is_asked_so() -> None:
    schemes = Schemes()
    before = schemes.of(HOST)
    schemes.asked_by_https(HOST)
    assert (before, schemes.of(HOST), schemes.of(f"{HOST}:8443")) == ("http", "https", "http")


def test_only_what_answered_so_is_remembered_and_once() -> None:
    remembered: list[str] = []
    schemes = Schemes((), remembered.append)
    schemes.asked_by_https(HOST)
    schemes.asked_by_https("mistake.example.org")
    for _ in range(2):
        schemes.answered(HOST)
        schemes.answered("cdn.example.org")  # a redirect led there
    assert remembered == [HOST]
    assert schemes.of("cdn.example.org") == "http"


def test_what_is_known_already_is_not_told_again() -> None:
    schemes = Schemes([HOST], lambda _: pytest.fail("it was told"))
    schemes.answered(HOST)
    assert schemes.of(HOST) == "https"


def test_a_host_that_speaks_no_http_is_asked_by_https_from_then_on() -> None:
    remembered: list[str] = []
    schemes = Schemes((), remembered.append)
    schemes.of(HOST)
    assert schemes.is_secure_after_all(HOST, lambda: True)
    assert schemes.is_secure_after_all(HOST, never)
    schemes.answered(HOST)
    assert (schemes.of(HOST), remembered) == ("https", [HOST])


def test_https_that_does_not_answer_is_not_tried_again_at_once() -> None:
    schemes = Schemes()
    schemes.of(HOST)
    assert not schemes.is_secure_after_all(HOST, lambda: False)
    assert not schemes.is_secure_after_all(HOST, never)
    assert schemes.of(HOST) == "http"


def test_https_is_never_tried_where_somebody_said_http() -> None:
    assert not Schemes().is_secure_after_all(HOST, never)


def test_many_at_once_try_it_once() -> None:
    tried: list[str] = []
    schemes = Schemes()
    schemes.of(HOST)

    def speaks() -> bool:
        tried.append(HOST)
        return True

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda _: schemes.is_secure_after_all(HOST, speaks), range(50)))
    assert tried == [HOST]


def test_a_client_that_asks_without_end_fills_no_memory() -> None:
    schemes = Schemes()
    for number in range(2000):
        schemes.of(f"guess{number}.example.org")
        schemes.asked_by_https(f"{number}.example.org")
    assert schemes.of("1999.example.org") == "http"
    assert not schemes.is_secure_after_all("guess1999.example.org", never)
