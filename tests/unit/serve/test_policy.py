# SPDX-License-Identifier: MIT
"""What may pass, for whom: by the list, by the mode, by the client."""

import pytest

from aptfreeze.errors import RefusedError
from aptfreeze.fetch.addresses import AddressCheck
from aptfreeze.serve.policy import Allowed, Denied, Passage
from aptfreeze.serve.session import Session
from aptfreeze.settings import Passthrough, PolicySettings

HERE, ELSEWHERE = "127.0.0.1", "192.0.2.7"
OWN = frozenset({("127.0.0.1", 3142)})


def passage(session: Session, mode: Passthrough = Passthrough.ALLOW, *allow: str) -> Passage:
    return Passage(session, PolicySettings(passthrough=mode, allow=allow), OWN)


@pytest.mark.parametrize("client", [HERE, ELSEWHERE])
def test_what_is_allowed_passes_without_a_word(session: Session, client: str) -> None:
    judged = passage(session).judge("www.example.org", 80, client, "/")
    assert judged == Allowed(AddressCheck("www.example.org", OWN, is_public_only=client == ELSEWHERE))


def test_a_listed_host_may_be_at_a_private_address_for_every_client(session: Session) -> None:
    judged = passage(session, Passthrough.DENY, "intranet.example.org").judge("intranet.example.org", 80, ELSEWHERE)
    assert judged == Allowed(AddressCheck("intranet.example.org", OWN, is_public_only=False))


def test_a_client_whose_address_is_unknown_gets_what_a_stranger_gets(session: Session) -> None:
    judged = passage(session).judge("www.example.org", 80, "")
    assert isinstance(judged, Allowed)
    assert judged.check.is_public_only


def test_a_denial_names_the_host_the_setting_and_the_way_out(session: Session) -> None:
    judged = passage(session, Passthrough.DENY, "other.example.org").judge("www.example.org", 8080, HERE)
    assert isinstance(judged, Denied)
    assert "www.example.org:8080" in judged.reason
    assert 'passthrough = "deny"' in judged.reason
    assert "aptfreeze pin URL" in judged.hint
    assert session.not_frozen == {}


def test_who_enters_is_counted_also_if_it_is_denied(session: Session) -> None:
    passage(session).enter("www.example.org", 443, HERE)
    with pytest.raises(RefusedError, match=r"www\.example\.org is not passed through"):
        passage(session, Passthrough.DENY).enter("www.example.org", 443, HERE)
    assert session.not_frozen == {"www.example.org": 2}


def test_a_warning_is_told_once_for_each_host(session: Session) -> None:
    warned = passage(session, Passthrough.WARN, "listed.example.org")
    for host in ("www.example.org", "www.example.org", "listed.example.org", "ftp.example.org"):
        warned.enter(host, 80, HERE, "/")
    assert [notice.partition(" is not frozen")[0] for notice in session.notices] == [
        "www.example.org",
        "ftp.example.org",
    ]
