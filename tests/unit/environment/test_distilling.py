# SPDX-License-Identifier: MIT
"""Records that can be given out."""

from aptfreeze.environment import records
from aptfreeze.environment.distilling import distilled
from aptfreeze.environment.process import Process
from aptfreeze.environment.records import AskedIndex, ServedPackage, Session, Usage
from aptfreeze.freeze.digest import Digest
from support.environments import MAIN
from support.keeping import NOW

STATE = Digest.of(b"state")
INDEX = AskedIndex(MAIN.repository, MAIN.suite, "main/binary-amd64/Packages")
PACKAGE = ServedPackage("hello", "1.0", "amd64", MAIN.repository, MAIN.suite, "pool/hello.deb", Digest.of(b"x"), 1)


def usage(*sessions: str) -> Usage:
    by = Process.current("aptfreeze run -- secret")
    return Usage(tuple(Session(each, NOW, by) for each in sessions), (PACKAGE,), (INDEX,), {"private.example.org": 3})


def test_it_is_what_was_served_and_nothing_else() -> None:
    name, data = distilled(usage("a"), NOW, STATE)

    assert b"secret" not in data
    assert b"private" not in data
    found = records.parse_session(name, data.split(b"\n"))
    assert (found.packages, found.indexes, found.not_frozen) == ((PACKAGE,), (INDEX,), {})
    (session,) = found.sessions
    assert (session.id, session.started, session.ended, session.state) == (name, NOW, NOW, STATE)


def test_it_is_the_same_however_often_the_same_was_served() -> None:
    assert distilled(usage("a"), NOW, STATE) == distilled(usage("a", "b"), NOW, STATE)


def test_what_was_distilled_is_distilled_to_itself() -> None:
    first = distilled(usage("a"), NOW, STATE)

    assert distilled(records.parse_session(first[0], first[1].split(b"\n")), NOW, STATE) == first


def test_another_use_has_another_name() -> None:
    assert distilled(usage("a"), NOW, STATE)[0] != distilled(Usage(usage("a").sessions), NOW, STATE)[0]
