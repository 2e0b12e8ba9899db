# SPDX-License-Identifier: MIT
"""What a rot check tells: losses, what only mirrors have, what only the archive has, and what ends when."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aptfreeze.describe.closure import Part, Piece
from aptfreeze.describe.rot import FileState, Rot, SuiteRot
from aptfreeze.environment.trustcheck import SignerKey, TrustCheck, Verdict
from aptfreeze.fetch.inquiry import Presence, Where
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.freeze.generation import SuiteKey
from aptfreeze.freeze.outcome import SuiteFile

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEY = SuiteKey("mirror.example.org/debian", "bookworm")
GOOD = TrustCheck(Verdict.GOOD, "good, signed by AAAA", (SignerKey("AAAA", True),))
FOUND, GONE = Presence(Where.FOUND, "http://mirror.example.org/x"), Presence(Where.GONE, "404")
UNKNOWN = Presence(Where.UNKNOWN, "503")


def state(name: str, elsewhere: Presence = FOUND, *, is_held: bool = True, part: Part = Part.PACKAGE) -> FileState:
    form = SuiteFile(Wanted(Digest.of(name.encode()), 1000), f"pool/{name}.deb")
    return FileState(Piece(part, name, (form,), KEY, folders=(KEY.repository,)), is_held, elsewhere=elsewhere)


def suite(*files: FileState, trust: TrustCheck = GOOD, valid_until: datetime | None = None) -> SuiteRot:
    return SuiteRot(KEY, trust, valid_until, files)


def rot(*suites: SuiteRot, others: tuple[FileState, ...] = (), sessions: int = 1, asked: bool = True) -> Rot:
    return Rot(suites, others, sessions, False, asked, NOW)


def told(*suites: SuiteRot) -> list[str]:
    """Behind the first line, which says what was looked at, and without the one that says whether that is good."""
    return [line.strip() for line in rot(*suites).lines()][1:]


def test_all_is_held() -> None:
    found = rot(suite(state("hello"), state("bash")))

    assert list(found.lines()) == [
        "checked: every size in the archive; mirrors were asked",
        "mirror.example.org/debian bookworm",
        "  signature: good, signed by AAAA",
        "  2 files used: 2 archived (2.0 kB), 2 on mirrors",
        "everything that builds used is archived",
    ]
    assert found.exit_status == 0


def test_every_byte_and_no_mirror() -> None:
    found = replace(rot(suite(), asked=False), is_hashed=True)

    assert next(found.lines()) == "checked: every byte in the archive; no mirror was asked"
    assert "on mirrors" not in "".join(found.lines())


def test_what_only_a_mirror_has_is_a_warning() -> None:
    found = rot(suite(state("hello", is_held=False), state("bash")))

    assert list(found.lines())[3:] == [
        "  2 files used: 1 archived (1.0 kB), 2 on mirrors",
        "  NOT archived, but on a mirror: package hello (mirror.example.org/debian/pool/hello.deb)",
        "1 file that builds used: only mirrors have them, as long as they like",
        "Hint: aptfreeze fetch",
    ]
    assert found.exit_status == 0


@pytest.mark.parametrize(
    ("elsewhere", "line"),
    [
        (GONE, "NOT archived, and gone from every mirror: package hello (mirror.example.org/debian/pool/hello.deb)"),
        (
            UNKNOWN,
            "NOT archived, and mirrors cannot tell: package hello (mirror.example.org/debian/pool/hello.deb): 503",
        ),
        (Presence(Where.UNASKED), "NOT archived: package hello (mirror.example.org/debian/pool/hello.deb)"),
    ],
)
def test_what_nobody_is_known_to_have_is_a_loss(elsewhere: Presence, line: str) -> None:
    found = rot(suite(state("hello", elsewhere, is_held=False)))

    assert line in told(suite(state("hello", elsewhere, is_held=False)))
    assert "1 file that builds used: nobody is known who has them" in found.lines()
    assert found.exit_status == 3


def test_a_damaged_file_is_told_as_one() -> None:
    damaged = replace(state("hello", is_held=False), is_damaged=True)

    assert any(
        line.startswith("DAMAGED in the archive, but on a mirror: package hello ") for line in told(suite(damaged))
    )


def test_what_mirrors_have_dropped_is_told_packages_first_and_not_all_by_name() -> None:
    root = state("InRelease", GONE, part=Part.ROOT)
    packages = [state(f"p{number}", GONE) for number in range(4)]

    assert "gone from every mirror, but archived here: p0, p1, p2 and 2 more" in told(suite(root, *packages))
    assert "gone from every mirror, but archived here: InRelease" in told(suite(root))


def test_single_files_are_others() -> None:
    single = FileState(
        Piece(Part.SINGLE, "a.example.org/key", (SuiteFile(Wanted(Digest.of(b"")), "a.example.org/key"),)), False
    )

    found = rot(others=(single,))

    assert "  NOT archived: single file a.example.org/key (a.example.org/key)" in found.lines()
    assert found.exit_status == 3


# --- ends ---


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (SignerKey("AAAA", True, NOW + timedelta(days=200)), "key AAAA expires 2027-06-12, in 200 days"),
        (SignerKey("AAAA", True, NOW + timedelta(days=30)), "EXPIRES SOON: key AAAA expires 2026-12-24, in 30 days"),
        (SignerKey("AAAA", True, NOW - timedelta(days=1)), "key AAAA expired 2026-11-23"),
        (SignerKey("AAAA", False), "key AAAA is in none of today's keyrings"),
    ],
)
def test_the_end_of_a_key(key: SignerKey, line: str) -> None:
    assert told(suite(trust=replace(GOOD, keys=(key,))))[2] == line


def test_a_key_without_end_is_not_told() -> None:
    assert len(told(suite())) == 4


def test_valid_until() -> None:
    assert told(suite(valid_until=NOW + timedelta(days=6, hours=1)))[2] == (
        'Valid-Until 2026-11-30 13:00 UTC: apt outside of "aptfreeze run" accepts it for 6 days more'
    )
    assert told(suite(valid_until=NOW - timedelta(hours=3)))[2] == (
        'Valid-Until 2026-11-24 09:00 UTC: apt outside of "aptfreeze run" refuses it since 3 hours'
    )


@pytest.mark.parametrize(("verdict", "status"), [(Verdict.EXPIRED, 0), (Verdict.UNKNOWN, 0), (Verdict.BAD, 3)])
def test_only_a_bad_signature_counts_as_rot(verdict: Verdict, status: int) -> None:
    assert rot(suite(trust=TrustCheck(verdict, "as told"))).exit_status == status


def test_without_a_record_nothing_is_known() -> None:
    found = rot(suite(state("InRelease")), sessions=0)

    assert list(found.lines())[-1] == "Hint: run the build once (aptfreeze run -- COMMAND)"
    assert found.exit_status == 3
    assert rot(sessions=0).exit_status == 0  # nothing is pinned


# --- data ---


def test_as_data() -> None:
    trust = TrustCheck(Verdict.EXPIRED, "was good", (SignerKey("AAAA", True, NOW),), NOW)
    lost, kept = state("hello", GONE, is_held=False), state("bash", GONE)

    found = json.loads(json.dumps(rot(suite(lost, kept, trust=trust, valid_until=NOW)).data()))

    assert (found["recorded"], found["hashed"], found["mirrors_asked"], found["exit_status"]) == (True, False, True, 3)
    [one] = found["suites"]
    assert (one["signature"], one["expired_since"], one["valid_until"]) == ("expired", NOW.isoformat(), NOW.isoformat())
    assert one["keys"] == [{"fingerprint": "AAAA", "known": True, "expires": NOW.isoformat()}]
    files = one["files"]
    assert (files["used"], files["archived"], files["on_mirrors"], files["only_here"]) == (2, 1, 0, ["bash"])
    assert files["missing"] == [
        {
            "part": "package",
            "name": "hello",
            "path": "mirror.example.org/debian/pool/hello.deb",
            "digest": str(Digest.of(b"hello")),
            "size": 1000,
            "damaged": False,
            "mirrors": "gone",
            "reason": "404",
        }
    ]
