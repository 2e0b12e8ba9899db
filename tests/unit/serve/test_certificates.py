# SPDX-License-Identifier: MIT
"""Contexts by host: made once, kept while they are in use."""

import ssl
from concurrent.futures import ThreadPoolExecutor

import pytest

from aptfreeze.errors import UsageError
from aptfreeze.serve import certificates as module
from aptfreeze.serve.certificates import Certificates
from aptfreeze.trust.authority import Authority
from support.tls import authority


def test_a_host_has_one_context_and_the_authority_is_asked_once() -> None:
    asked: list[int] = []

    def obtain() -> Authority:
        asked.append(1)
        return authority()

    certificates = Certificates(obtain)
    assert not asked
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(certificates.context, ["a.example.org", "b.example.org", "192.0.2.1"] * 3))
    assert len({id(context) for context in found}) == 3
    assert len(asked) == 1
    assert repr(certificates) == "<Certificates 3 hosts>"


def test_they_speak_tls_1_2_or_later() -> None:
    context = Certificates(authority).context("a.example.org")
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.num_tickets == 0


def test_those_that_nobody_uses_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AT_MOST", 2)
    certificates = Certificates(authority)
    first, second = certificates.context("a"), certificates.context("b")
    assert certificates.context("a") is first
    certificates.context("c")
    assert certificates.context("a") is first
    assert certificates.context("b") is not second


def test_one_at_hand_is_had_without_waiting() -> None:
    while_making: list[ssl.SSLContext | None] = []

    def obtain() -> Authority:
        while_making.append(certificates.at_hand("a"))
        return authority()

    certificates = Certificates(obtain)
    assert certificates.at_hand("a") is None
    assert certificates.context("a") is certificates.at_hand("a")
    assert while_making == [None]


def test_one_at_hand_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AT_MOST", 2)
    certificates = Certificates(authority)
    first = certificates.context("a")
    certificates.context("b")
    assert certificates.at_hand("a") is first
    certificates.context("c")
    assert certificates.at_hand("a") is first
    assert certificates.at_hand("b") is None


def test_an_authority_that_cannot_be_had_is_asked_for_again() -> None:
    answers: list[Authority | Exception] = [UsageError("no"), authority()]

    def obtain() -> Authority:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    certificates = Certificates(obtain)
    with pytest.raises(UsageError):
        certificates.context("a")
    assert certificates.context("a")
