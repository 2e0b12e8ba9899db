# SPDX-License-Identifier: MIT
"""The next states of suites: real repositories that move, a real archive, real signatures."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from aptfreeze.environment import updating
from aptfreeze.environment.continuity import Accepted
from aptfreeze.environment.pinning import Candidate, Judges, Pinning
from aptfreeze.environment.records import AskedIndex, Usage
from aptfreeze.environment.updating import Means, Prepared
from aptfreeze.errors import RefusedError, UpstreamError
from aptfreeze.fetch.opened import OpenArchive, open_archive
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import BarePackages, Generation, InRelease, Pin, SuiteKey
from aptfreeze.settings import (
    ArchiveSettings,
    FetchSettings,
    InterceptSettings,
    MirrorSettings,
    PolicySettings,
    Settings,
    SnapshotSettings,
    Sourced,
    TrustSettings,
)
from aptfreeze.trust.backends import backend
from aptfreeze.trust.keyring import Keyring
from support.faults import Status
from support.origin import Origin
from support.pinning import key_of
from support.repository import MakeRepository, Repository
from support.signing import SigningKey

NOW = datetime.now(UTC).replace(microsecond=0)
NOTHING = Accepted()
MAIN = "main/binary-amd64/Packages"


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[OpenArchive]:
    settings = Settings(
        ArchiveSettings(tmp_path / "archive"), TrustSettings(), MirrorSettings(), SnapshotSettings(""),
        PolicySettings(), FetchSettings(retries=0), Sourced(False), Sourced(False), {},
        InterceptSettings(tmp_path / "authority.pem"),
    )  # fmt: skip
    with open_archive(settings) as opened:
        yield opened


@pytest.fixture
def means(archive: OpenArchive, signing_key: SigningKey, stranger_key: SigningKey) -> Callable[..., Means]:
    """Trusts both keys."""
    keyrings = [Keyring.parse("test", key.keyring.read_bytes()) for key in (signing_key, stranger_key)]

    def fetch(url: str, is_patient: bool) -> bytes:
        return archive.downloads.fetch_bytes([url], 1 << 20, is_patient=is_patient).data

    def make(*asked: AskedIndex, accepted: Accepted = NOTHING, unsigned: str = "") -> Means:
        trust = TrustSettings(unsigned=frozenset({unsigned}))
        judges = Judges(trust, backend, lambda repository: keyrings, lambda: datetime.now(UTC))
        pinning = Pinning(archive.objects, archive.mirrors, archive.snapshots, fetch, judges)
        usage = Usage(indexes=asked)
        find = partial(updating.newest, pinning)
        return Means(archive.lookup(offline=False), pinning, usage, "amd64", True, accepted, find)

    return make


def pinned(means: Means, *repositories: Repository) -> Generation:
    """A generation of their present states."""
    keys = [key_of(repository) for repository in repositories]
    pins = {key: means.pinning.candidate(key, "InRelease").pin for key in keys}
    return Generation("a" * 32, NOW, pins)


def prepared(means: Means, generation: Generation) -> Prepared:
    return updating.prepare(means, generation, sorted(generation.pins), sorted(generation.extra))


def asked(repository: Repository, *paths: str) -> list[AskedIndex]:
    key = key_of(repository)
    return [AskedIndex(key.repository, key.suite, path) for path in paths]


def test_nothing_new_is_nothing_to_move(means: Callable[..., Means], repository: Repository) -> None:
    generation = pinned(means(), repository)

    found = prepared(means(), generation)

    assert not found.is_new
    assert found.unchanged == (key_of(repository),)


def test_a_new_state_comes_whole_with_every_index_in_use_and_its_sources(
    means: Callable[..., Means], make_repository: MakeRepository, archive: OpenArchive, origin: Origin
) -> None:
    repository = make_repository(architectures=("amd64", "arm64"))
    repository.add("hello", "1.0")
    repository.add_source("hello", "1.0")
    repository.publish()
    generation = pinned(means(), repository)
    repository.add("hello", "2.0")
    repository.publish()
    origin.forget()
    with_record = means(*asked(repository, MAIN, "main/binary-arm64/Packages"))

    found = prepared(with_record, generation)

    (move,) = found.suites
    assert move.before == generation.pins[move.key]
    assert move.after.date == repository.date
    assert move.paths == (MAIN, "main/binary-arm64/Packages")
    for path in (*move.paths, "main/source/Sources"):
        forms = with_record.lookup.forms(move.key, move.after, path)
        assert any(archive.objects.has(form.wanted.digest) for form in forms), path
    assert not any("Translation" in seen.path or ".deb" in seen.path for seen in origin.requests)


def test_without_a_record_it_is_what_a_build_asks_first(
    means: Callable[..., Means], make_repository: MakeRepository
) -> None:
    repository = make_repository(architectures=("amd64", "arm64"), components=("main", "contrib"))
    repository.add("hello", "1.0")
    repository.publish()
    generation = pinned(means(), repository)
    repository.publish()

    (move,) = prepared(means(), generation).suites

    assert move.paths == (MAIN,)


@pytest.mark.parametrize("path", ["*binary-amd64*", "*source*"])
def test_an_index_that_cannot_be_had_moves_nothing(
    path: str, means: Callable[..., Means], repository: Repository, origin: Origin
) -> None:
    repository.add_source("hello", "1.0")
    repository.publish()
    generation = pinned(means(), repository)
    repository.add("hello", "2.0")
    repository.add_source("hello", "2.0")
    repository.publish()
    origin.inject(path, Status(503))

    with pytest.raises(UpstreamError, match="so nothing was moved"):
        prepared(means(), generation)


def test_one_suite_that_fails_fails_all(
    means: Callable[..., Means], make_repository: MakeRepository, origin: Origin
) -> None:
    repositories = [make_repository(name) for name in ("one", "two")]
    for each in repositories:
        each.publish()
    generation = pinned(means(), *repositories)
    for each in repositories:
        each.publish()
    origin.inject("/two/*InRelease", Status(500))

    with pytest.raises(UpstreamError):
        prepared(means(), generation)


def test_a_state_of_other_signers_or_of_another_release_or_an_older_one_is_judged(
    means: Callable[..., Means], repository: Repository, stranger_key: SigningKey
) -> None:
    generation = pinned(means(), repository)
    repository.key = stranger_key
    repository.publish()

    with pytest.raises(RefusedError, match="signed by"):
        prepared(means(), generation)

    assert prepared(means(accepted=Accepted(signer=True)), generation).is_new


def test_an_index_that_is_not_listed_any_more_is_told(means: Callable[..., Means], repository: Repository) -> None:
    with_record = means(*asked(repository, MAIN, "contrib/binary-amd64/Packages"))
    generation = pinned(with_record, repository)
    repository.publish()

    found = prepared(with_record, generation)

    assert "lists no contrib/binary-amd64/Packages any more" in "\n".join(found.notices)


def test_a_version_that_is_published_again_with_other_bytes_is_told(
    means: Callable[..., Means], repository: Repository
) -> None:
    with_record = means(*asked(repository, MAIN))
    generation = pinned(with_record, repository)
    key = key_of(repository)
    with_record.lookup.index(
        key, with_record.lookup.forms(key, generation.pins[key], MAIN), is_source=False, may_fetch=True
    )
    repository.add("hello", "1.0", salt="built again")
    repository.publish()

    (notice,) = prepared(with_record, generation).notices

    assert notice.startswith("republished: pool/main/h/hello/hello_1.0_amd64.deb has other bytes")
    assert str(key) in notice


def test_two_suites_that_move_to_one_file_name_with_two_contents_are_told(
    means: Callable[..., Means], make_repository: MakeRepository
) -> None:
    names = ("bookworm", "sid")
    suites = [make_repository("debian", suite=name, suite_field=name, codename=name) for name in names]
    elsewhere = make_repository("elsewhere")
    for each in (*suites, elsewhere):
        each.publish()
    with_record = means(*(path for each in (*suites, elsewhere) for path in asked(each, MAIN)))
    generation = pinned(with_record, *suites, elsewhere)
    for salt, each in zip("abc", (*suites, elsewhere), strict=True):
        each.add("hello", "1.0", salt=salt)
        each.publish()

    first, second = prepared(with_record, generation).notices

    assert "other bytes in the new state of" in first
    assert {str(key_of(each)) for each in suites} == {key for key in map(str, generation.pins) if key in first}
    assert str(key_of(elsewhere)) not in first + second


def test_a_pinned_state_that_nobody_has_any_more_does_not_keep_a_suite_from_moving(
    means: Callable[..., Means], repository: Repository
) -> None:
    with_record = means(*asked(repository, MAIN))
    generation = pinned(with_record, repository)
    key = key_of(repository)
    lost = replace(generation.pins[key], root=InRelease(Digest.of(b"lost")))

    (move,) = prepared(with_record, replace(generation, pins={key: lost})).suites

    assert move.after == generation.pins[key]


def test_sources_that_nobody_wants_are_not_fetched(
    means: Callable[..., Means], repository: Repository, origin: Origin
) -> None:
    generation = pinned(means(), repository)
    repository.add_source("hello", "2.0")
    repository.publish()
    origin.forget()

    assert prepared(replace(means(), with_sources=False), generation).is_new
    assert not any("source" in seen.path for seen in origin.requests)


def test_an_interruption_lets_go_of_mirrors_that_are_waited_for(
    means: Callable[..., Means], repository: Repository, archive: OpenArchive
) -> None:
    def interrupted(key: SuiteKey, pin: Pin) -> Candidate:
        raise KeyboardInterrupt

    generation = pinned(means(), repository)

    with pytest.raises(KeyboardInterrupt):
        prepared(replace(means(), find=interrupted), generation)
    with pytest.raises(UpstreamError):
        archive.downloads.fetch_bytes([f"{repository.url}/dists/bookworm/InRelease"], 1 << 20)


def test_a_single_file_moves_by_its_url(means: Callable[..., Means], origin: Origin, repository: Repository) -> None:
    file = origin.root / "the key.asc"
    file.write_bytes(b"old")
    url = f"{origin.url.removeprefix('http://')}/the key.asc"
    generation = pinned(means(), repository)
    generation = generation.with_extra(url, Digest.of(b"old"))

    assert not prepared(means(), generation).extra

    file.write_bytes(b"new")
    assert prepared(means(), generation).extra == {url: (Digest.of(b"old"), Digest.of(b"new"))}


def test_an_alias_is_told_with_its_codename(means: Callable[..., Means], make_repository: MakeRepository) -> None:
    repository = make_repository(suite="stable", suite_field="stable", codename="bookworm")
    repository.add("hello", "1.0")
    repository.publish()
    generation = pinned(means(), repository)
    repository.publish()

    assert "it is bookworm now" in "\n".join(prepared(means(), generation).notices)


def test_a_suite_that_becomes_one_that_is_pinned_under_another_name_is_refused_before_anything_moves(
    means: Callable[..., Means], make_repository: MakeRepository
) -> None:
    stable = make_repository("debian", suite="stable", suite_field="stable", codename="bookworm")
    testing = make_repository("debian", suite="trixie", suite_field="testing", codename="trixie")
    stable.publish()
    testing.publish()
    generation = pinned(means(), stable, testing)
    make_repository("debian", suite="stable", suite_field="stable", codename="trixie").publish()

    with pytest.raises(RefusedError, match=r"debian stable is trixie now, and that is pinned already, as .*trixie"):
        prepared(means(accepted=Accepted(codename=True)), generation)


def test_a_repository_without_release_moves_by_its_list(
    means: Callable[..., Means], make_repository: MakeRepository, archive: OpenArchive
) -> None:
    repository = make_repository("flat", key=None, flat=True, release=False, inrelease=False)
    key = SuiteKey(repository.url.removeprefix("http://"), "./")
    repository.add("hello", "1.0")
    repository.publish()
    with_trust = means(unsigned=str(key))
    generation = Generation("a" * 32, NOW, {key: with_trust.pinning.candidate(key, "Packages.gz").pin})
    repository.add("hello", "2.0")
    repository.publish()

    (move,) = prepared(with_trust, generation).suites

    assert isinstance(move.after.root, BarePackages)
    assert move.paths == ("Packages.gz",)
    assert archive.objects.has(move.after.root.packages)
