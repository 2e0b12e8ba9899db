# SPDX-License-Identifier: MIT
"""The lock file: what is written comes back, and what is odd is told with its place."""

import hashlib
import tomllib
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aptfreeze.errors import UsageError
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import BarePackages, Generation, InRelease, Pin, ReleasePair, SuiteKey
from aptfreeze.freeze.lockfile import dump, parse, pin_line, rival, state_digest

ID = "4f1c9a0e2b7d4e5f8a6b3c2d1e0f9a8b"
CREATED = datetime(2026, 11, 24, 7, 0, 0, tzinfo=UTC)
SIGNER = "4CB50190207B4758A3F73A796ED0E7B82643E131"
ONE = Digest.of(b"one")
BOOKWORM = SuiteKey("mirror.example.org/debian", "bookworm")

EXAMPLE = f"""\
# Written by aptfreeze, one line per pin; keep it in git. Exceptions go to aptfreeze.toml, never here.
version = 1
generation = "{ID}"
created = 2026-11-24T07:00:00Z

[pins]
"mirror.example.org/debian bookworm" = {{ inrelease = "{ONE}", suite = "oldstable", codename = "bookworm", \
date = 2026-11-21T10:16:37Z, signers = ["{SIGNER}"] }}
"vendor.example.org/apt ./" = {{ packages = "{ONE}", file = "Packages.gz", signers = [] }}
"vendor.example.org/old stable" = {{ release = "{ONE}", release_gpg = "{ONE}", signers = ["{SIGNER}"] }}

[extra]
"mirror.example.org/keys/vendor.asc" = "{ONE}"
"""


def lock(pins: str = "", extra: str = "", head: str = f'version = 1\ngeneration = "{ID}"\n') -> str:
    return f"{head}created = 2026-11-24T07:00:00Z\n[pins]\n{pins}\n[extra]\n{extra}\n"


def pinned(fields: str, key: str = "mirror.example.org/debian bookworm") -> str:
    return lock(f'"{key}" = {{ {fields} }}')


def test_the_example_is_read() -> None:
    generation = parse(EXAMPLE)

    assert generation.id == ID
    assert generation.created == CREATED
    assert generation.pins[BOOKWORM] == Pin(
        InRelease(ONE), datetime(2026, 11, 21, 10, 16, 37, tzinfo=UTC), "oldstable", "bookworm", (SIGNER,)
    )
    assert generation.pins[SuiteKey("vendor.example.org/apt", "./")].root == BarePackages(ONE, "Packages.gz")
    assert generation.pins[SuiteKey("vendor.example.org/old", "stable")].root == ReleasePair(ONE, ONE)
    assert generation.extra == {"mirror.example.org/keys/vendor.asc": ONE}


def test_the_example_is_written_again_to_the_byte() -> None:
    assert dump(parse(EXAMPLE)) == EXAMPLE


def test_a_moved_suite_changes_one_line() -> None:
    before = parse(EXAMPLE)
    after = Generation(ID, CREATED, {**before.pins, BOOKWORM: Pin(InRelease(Digest.of(b"two")), CREATED)}, before.extra)

    changed = set(dump(after).splitlines()) ^ set(dump(before).splitlines())

    assert len(changed) == 2


def test_windows_line_ends_and_hand_made_order_are_read() -> None:
    assert parse(EXAMPLE.replace("\n", "\r\n")) == parse(EXAMPLE)
    signed_twice = pinned(f'signers = ["{SIGNER}", "{"0" * 40}"], inrelease = "{ONE}"')
    assert parse(signed_twice).pins[BOOKWORM].signers == ("0" * 40, SIGNER)


def test_a_lock_without_sections_has_no_pins() -> None:
    assert parse(lock().split("[pins]")[0]).pins == {}


# --- state digest ----------------------------------------------------------------------------------------------------


def test_the_state_digest_does_not_see_id_and_creation_time() -> None:
    generation = parse(EXAMPLE)
    same = Generation("0" * 32, datetime(2030, 1, 1, tzinfo=UTC), generation.pins, generation.extra)

    assert state_digest(same) == state_digest(generation)


def test_the_state_digest_sees_pins_and_extra_lines() -> None:
    generation = parse(EXAMPLE)
    digests = {
        state_digest(generation),
        state_digest(Generation(ID, CREATED, {}, generation.extra)),
        state_digest(Generation(ID, CREATED, generation.pins, {})),
    }
    assert len(digests) == 3


def test_the_state_digest_can_be_computed_by_hand() -> None:
    from_pins_on = EXAMPLE[EXAMPLE.index("[pins]") :]

    assert state_digest(parse(EXAMPLE)).hex == hashlib.sha256(from_pins_on.encode()).hexdigest()


# --- rivals ----------------------------------------------------------------------------------------------------------


def test_one_suite_under_two_names_is_a_rival_in_both_directions() -> None:
    stable = SuiteKey(BOOKWORM.repository, "stable")
    by_codename = Pin(InRelease(ONE), None, "stable", "bookworm")
    nameless = Pin(InRelease(ONE), None)

    assert rival({BOOKWORM: nameless}, stable, by_codename) == BOOKWORM
    assert rival({BOOKWORM: by_codename}, stable, nameless) == BOOKWORM
    assert rival({BOOKWORM: by_codename}, SuiteKey("other.example.org/debian", "stable"), by_codename) is None
    assert rival({BOOKWORM: by_codename}, BOOKWORM, by_codename) is None


@pytest.mark.parametrize("named", ["bookworm", "stable"])
def test_a_lock_with_one_suite_under_two_names_is_refused(named: str) -> None:
    lines = [
        f'"mirror.example.org/debian {name}" = {{ inrelease = "{ONE}", '
        f'{"suite" if named == "bookworm" else "codename"} = "{named}", signers = [] }}'
        for name in ("bookworm", "stable")
    ]
    with pytest.raises(UsageError, match="one suite under two names"):
        parse(lock("\n".join(lines)))


def test_a_pocket_may_stand_beside_its_base_suite() -> None:
    parse(
        lock(
            f'"mirror.example.org/ubuntu jammy" = {{ inrelease = "{ONE}", codename = "jammy", signers = [] }}\n'
            f'"mirror.example.org/ubuntu jammy-updates" = {{ inrelease = "{ONE}", suite = "jammy-updates", '
            f'codename = "jammy", signers = [] }}'
        )
    )


# --- refusals --------------------------------------------------------------------------------------------------------

INRELEASE = f'inrelease = "{ONE}"'
REFUSED = {
    "empty file": ("", "version: expected 1, found nothing"),
    "no TOML, with its line": ('version = 1\ngeneration "x"', "line 2"),
    "nested without end": ("x = " + "[" * 5000, "too deeply nested"),
    "newer version": (EXAMPLE.replace("version = 1", "version = 7"), "format version 7"),
    "version as text": (EXAMPLE.replace("version = 1", 'version = "1"'), "version: expected 1, found '1'"),
    "version as boolean": (EXAMPLE.replace("version = 1", "version = true"), "version: expected 1"),
    "unknown key": (lock(head="version = 1\nflavour = 3\n"), "unknown key 'flavour'"),
    "no generation": (lock(head="version = 1\n"), "generation: expected text in quotes, found nothing"),
    "bad generation": (EXAMPLE.replace(ID, "4F1C"), "generation: expected 32 lower-case hex digits, found '4F1C'"),
    "no created": (EXAMPLE.replace("created", "#created"), "created: expected a time in UTC"),
    "created without zone": (EXAMPLE.replace("07:00:00Z", "07:00:00"), "created: expected a time in UTC"),
    "created with fraction": (EXAMPLE.replace("07:00:00Z", "07:00:00.5Z"), "whole seconds"),
    "created before time": (EXAMPLE.replace("2026-11-24T07:00:00Z", "0001-01-01T00:00:00+14:00"), "from year 1"),
    "pins is no table": (
        f'version = 1\ngeneration = "{ID}"\ncreated = 2026-11-24T07:00:00Z\npins = 3',
        "pins: expected",
    ),
    "pin is text": (lock('"mirror.example.org/debian bookworm" = "x"'), "expected { inrelease"),
    "key without suite": (pinned(f"{INRELEASE}, signers = []", "mirror.example.org/debian"), "host/path suite"),
    "key with scheme": (pinned(f"{INRELEASE}, signers = []", "http://mirror.example.org/debian x"), "no scheme"),
    "key with dots": (pinned(f"{INRELEASE}, signers = []", "mirror.example.org/../x y"), "host/path suite"),
    "suite with dots": (pinned(f"{INRELEASE}, signers = []", "mirror.example.org/x ../y"), "host/path suite"),
    "upper-case host": (pinned(f"{INRELEASE}, signers = []", "Mirror.example.org/x y"), "lower-case host"),
    "no root": (pinned("signers = []"), "one of inrelease, release, packages, found nothing"),
    "two roots": (pinned(f'{INRELEASE}, release = "{ONE}", signers = []'), "found 'inrelease and release'"),
    "unknown field": (pinned(f"{INRELEASE}, signers = [], reason = 'x'"), "bookworm: reason"),
    "field of another root": (pinned(f'{INRELEASE}, release_gpg = "{ONE}", signers = []'), "unknown key"),
    "short digest": (pinned('inrelease = "sha256:9f86", signers = []'), "64 lower-case hex digits"),
    "sha512 digest": (pinned(f'inrelease = "sha512:{"0" * 128}", signers = []'), "64 lower-case hex digits"),
    "digest as number": (pinned("inrelease = 3, signers = []"), "inrelease: expected"),
    "date as text": (pinned(f'{INRELEASE}, date = "2026", signers = []'), "date: expected a time"),
    "suite as number": (pinned(f"{INRELEASE}, suite = 3, signers = []"), "suite: expected text"),
    "no signers": (pinned(INRELEASE), "signers: expected a list of fingerprints"),
    "signers by name": (pinned(f'{INRELEASE}, signers = ["Jane"]'), "signers: expected a list of fingerprints"),
    "signers without signature": (pinned(f'release = "{ONE}", signers = ["{SIGNER}"]'), "this pin has no signature"),
    "packages without file": (pinned(f'packages = "{ONE}", signers = []'), "file: expected text"),
    "packages with a path": (pinned(f'packages = "{ONE}", file = "../x", signers = []'), 'file: expected "Packages"'),
    "extra with scheme": (lock(extra=f'"http://a.example.org/x" = "{ONE}"'), "extra: expected keys"),
    "extra without digest": (lock(extra='"a.example.org/x" = 3'), "a.example.org/x: expected"),
    "absurdly large": ("#" * (16 * 1024 * 1024 + 1), "more than"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_odd_locks_are_refused_by_file_place_and_hint(text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(text, "product/aptfreeze.lock")

    assert message in raised.value.message
    assert raised.value.message.startswith("product/aptfreeze.lock")
    assert len(raised.value.message) < 500


def test_a_newer_version_asks_for_a_newer_aptfreeze() -> None:
    with pytest.raises(UsageError) as raised:
        parse('version = 2\nnew = "thing"\n')
    assert raised.value.hint is not None
    assert "upgrade aptfreeze" in raised.value.hint


@pytest.mark.parametrize("marker", ["<<<<<<< HEAD", "=======", ">>>>>>> theirs", "||||||| base"])
def test_conflict_markers_are_named_with_their_line(marker: str) -> None:
    lines = EXAMPLE.splitlines()
    with pytest.raises(UsageError, match="line 4 is a conflict marker") as raised:
        parse("\n".join([*lines[:3], marker, *lines[3:]]))
    assert raised.value.hint is not None
    assert '"aptfreeze merge" merges both sides' in raised.value.hint


def test_a_name_that_looks_like_a_marker_is_none() -> None:
    parse(EXAMPLE + "#========\n")


# --- round trips -----------------------------------------------------------------------------------------------------

digests = st.binary(min_size=0, max_size=8).map(Digest.of)
hosts = st.from_regex(r"[a-z][a-z0-9.-]{0,8}(:[0-9]{2,5})?", fullmatch=True)
words = st.from_regex(r"[a-zA-Z0-9~+%\"\\\x7f\x01'_éß-]{1,9}", fullmatch=True)
paths = st.lists(words, max_size=3).map("/".join)
keys = st.builds(
    lambda host, path, suite: SuiteKey(f"{host}/{path}" if path else host, suite), hosts, paths, paths | st.just("./")
).filter(lambda key: key.suite != "")
times = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9998, 1, 1)).map(  # noqa: DTZ001
    lambda naive: naive.replace(tzinfo=UTC, microsecond=0)
)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
signers = st.sets(st.from_regex(r"[0-9A-F]{40}", fullmatch=True), max_size=2).map(lambda each: tuple(sorted(each)))
signed = st.builds(
    Pin,
    st.builds(InRelease, digests) | st.builds(ReleasePair, digests, digests),
    st.none() | times,
    names,
    names,
    signers,
)
unsigned = st.builds(
    Pin,
    st.builds(BarePackages, digests, st.sampled_from(["Packages", "Packages.xz"]))
    | st.builds(ReleasePair, digests, st.none()),
    st.none() | times,
    names,
)
urls = st.builds(lambda host, path: f"{host}/{path}", hosts, paths)
ids = st.from_regex(r"[0-9a-f]{32}", fullmatch=True)


def without_rivals(generation: Generation) -> bool:
    return not any(rival(generation.pins, key, pin) for key, pin in generation.pins.items())


generations = st.builds(
    Generation,
    ids,
    times,
    st.dictionaries(keys, signed | unsigned, max_size=4),
    st.dictionaries(urls, digests, max_size=3),
).filter(without_rivals)


@settings(deadline=None, max_examples=80)
@given(generations)
def test_every_generation_comes_back(generation: Generation) -> None:
    text = dump(generation)

    assert parse(text) == generation
    assert dump(parse(text)) == text


@settings(deadline=None, max_examples=30)
@given(keys, signed | unsigned)
def test_a_pin_is_one_line(key: SuiteKey, pin: Pin) -> None:
    line = pin_line(key, pin)

    assert "\n" not in line
    assert "\r" not in line
    assert list(tomllib.loads(line)) == [str(key)]


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_damaged_lock_is_read_or_refused_but_never_crashes(data: st.DataObject) -> None:
    text = EXAMPLE
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 20)))
        text = text[:start] + data.draw(st.text(max_size=5)) + text[end:]
    try:
        generation = parse(text)
    except UsageError:
        return
    assert parse(dump(generation)) == generation
