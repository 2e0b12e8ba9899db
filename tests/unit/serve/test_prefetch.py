# SPDX-License-Identifier: MIT
"""Files that are fetched before they are asked for: which, when, and when no more. Builds of one environment, with an
archive of their own unless told otherwise."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.freeze.catalog import IndexEntry
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.freeze.generation import InRelease, Pin, SuiteKey
from aptfreeze.freeze.lockfile import state_digest
from aptfreeze.freeze.outcome import PinnedPackage
from aptfreeze.rows import from_values
from aptfreeze.serve.prefetch import large_first
from aptfreeze.settings import Sourced
from support.defaults import defaults
from support.faults import Stall, Status
from support.handling import Handling
from support.origin import Origin
from support.repository import MakeRepository, Repository
from support.serving import eventually
from support.signing import SigningKey

MakeBuild = Callable[..., Handling]
LIST = [f"p{number:02}" for number in range(30)]
STRAYS = [f"stray{number:02}" for number in range(11)]
ONE_AT_A_TIME = {"fetch.connections": 1, "fetch.depth": 1}
ONLY_ASKED = {"fetch.prefetch": False}


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    repository = make_repository()
    for name in (*LIST, *STRAYS, "other0", "other1"):
        repository.add(name, "1.0")
    repository.publish()
    return repository


@pytest.fixture
def build(tmp_path: Path, signing_key: SigningKey) -> Iterator[MakeBuild]:
    """Begins a build; `archive` is the archive's name. Those with one archive run one command, unless told."""
    with ExitStack() as stack:

        def begin(archive: str, settings: dict[str, Any] | None = None, command: str = "") -> Handling:
            values: dict[str, Sourced[Any]] = defaults() | {
                "archive.path": Sourced(tmp_path / archive),
                "trust.keyrings": Sourced((signing_key.keyring,)),
                "fetch.retries": Sourced(0),
            }
            given = {key: Sourced(value) for key, value in (settings or {}).items()}
            command = command or f"build into {archive}"
            return stack.enter_context(Handling(tmp_path / "environment", from_values(values | given), command))

        yield begin


def get(proxy: Handling, repository: Repository, *names: str) -> list[int]:
    """The statuses of packages that are asked for one after the other."""
    return [proxy.get(f"{repository.url}/{repository.binary(name).path}").status for name in names]


def recorded(proxy: Handling, repository: Repository, *names: str) -> None:
    """A build that asks for these, from the InRelease on, to its end."""
    update(proxy, repository)
    assert get(proxy, repository, *names) == [200] * len(names)
    finish(proxy)


def update(proxy: Handling, repository: Repository) -> None:
    """What `apt-get update` asks for; the suite is in the lock file then."""
    suite = f"{repository.url}/dists/bookworm"
    assert [proxy.get(f"{suite}/{file}").status for file in ("InRelease", "main/binary-amd64/Packages.xz")] == [200] * 2
    assert eventually(lambda: not proxy.store.provisional())


def finish(proxy: Handling) -> None:
    session = proxy.parts.session

    async def finished() -> None:
        if proxy.parts.prefetch is not None:
            proxy.parts.prefetch.finish()

    proxy.run(finished())
    session.record.close(datetime.now(UTC), state_digest(session.generation))


def packages_asked(origin: Origin) -> list[str]:
    """Their names, in the order in which the mirror was asked."""
    return [path.rpartition("/")[2].partition("_")[0] for path in origin.asked("*/pool/*")]


def holds(tmp_path: Path, archive: str, repository: Repository, *names: str) -> bool:
    objects = Objects(tmp_path / archive)
    return all(objects.has(Digest.of(repository.file_of(name).read_bytes())) for name in names)


# --- when it begins ---


def test_the_first_file_that_the_archive_lacks_brings_the_whole_list(
    build: MakeBuild, repository: Repository, origin: Origin, tmp_path: Path
) -> None:
    recorded(build("first", ONLY_ASKED), repository, *LIST)
    origin.forget()
    again = build("second")
    assert get(again, repository, LIST[0]) == [200]
    assert eventually(lambda: holds(tmp_path, "second", repository, *LIST))
    assert get(again, repository, *LIST) == [200] * len(LIST)
    assert sorted(packages_asked(origin)) == LIST
    finish(again)
    assert again.told == []


def test_a_build_that_has_come_half_way_goes_on_from_there(
    build: MakeBuild, repository: Repository, origin: Origin
) -> None:
    recorded(build("first", ONLY_ASKED), repository, *LIST)
    origin.forget()
    get(build("second", ONE_AT_A_TIME), repository, LIST[20])
    assert eventually(lambda: origin.count("*/pool/*") == 30)
    assert set(LIST[20:]) <= set(packages_asked(origin)[:18])  # up to eight threads wait for their turn at once


@pytest.mark.parametrize(
    ("settings", "statuses"), [({"fetch.prefetch": False}, [200] * 3), ({"offline": True}, [403] * 3)]
)
def test_nothing_is_fetched_ahead_where_it_is_not_wanted(
    build: MakeBuild, repository: Repository, origin: Origin, settings: dict[str, Any], statuses: list[int]
) -> None:
    recorded(build("first", ONLY_ASKED), repository, *LIST)
    recorded(build("second", ONLY_ASKED), repository, *STRAYS)
    origin.forget()
    proxy = build("second", settings)
    assert get(proxy, repository, *LIST[:3]) == statuses
    assert proxy.parts.prefetch is None
    assert packages_asked(origin) == (LIST[:3] if 200 in statuses else [])


def test_what_is_on_no_list_brings_nothing(build: MakeBuild, repository: Repository, origin: Origin) -> None:
    recorded(build("first", ONLY_ASKED), repository, *LIST)
    origin.forget()
    proxy = build("second")
    assert get(proxy, repository, "other0", "other1") == [200, 200]
    finish(proxy)
    assert packages_asked(origin) == ["other0", "other1"]


def test_after_an_update_the_new_versions_are_fetched_and_only_they(
    build: MakeBuild, repository: Repository, origin: Origin, tmp_path: Path
) -> None:
    recorded(build("archive", ONLY_ASKED), repository, *LIST)
    changed = LIST[5:15]
    for name in changed:
        repository.add(name, "2.0")
    repository.publish()
    origin.forget()
    (tmp_path / "environment/aptfreeze.lock").unlink()
    updated = build("archive")
    update(updated, repository)
    assert get(updated, repository, LIST[0], changed[0]) == [200, 200]
    assert eventually(lambda: origin.count("*/pool/*") == len(changed))
    assert sorted(origin.asked("*/pool/*")) == [f"/debian/{repository.binary(name).path}" for name in changed]


def test_source_packages_are_fetched_as_whole_ones(
    build: MakeBuild, repository: Repository, origin: Origin, tmp_path: Path
) -> None:
    sources = [repository.add_source(name, "1.0") for name in ("hello", "world")]
    repository.publish()
    first = build("first")
    recorded(first, repository)
    for source in sources:
        for name in source.build():
            assert first.get(f"{repository.url}/{source.directory}/{name}").status == 200
    finish(first)
    origin.forget()
    dsc = next(name for name in sources[0].build() if name.endswith(".dsc"))
    assert build("second").get(f"{repository.url}/{sources[0].directory}/{dsc}").status == 200
    names = [name for source in sources for name in source.build()]
    assert eventually(lambda: origin.count("*/pool/*") == len(names))
    assert sorted(path.rpartition("/")[2] for path in origin.asked("*/pool/*")) == sorted(names)


# --- when it begins with an index ---


def test_the_same_build_again_gets_its_list_while_it_reads_the_index(
    build: MakeBuild, repository: Repository, origin: Origin, tmp_path: Path
) -> None:
    recorded(build("first", ONLY_ASKED, "build"), repository, *LIST)
    origin.forget()
    again = build("second", command="build")
    update(again, repository)
    assert eventually(lambda: holds(tmp_path, "second", repository, *LIST))
    assert get(again, repository, *LIST) == [200] * len(LIST)
    assert sorted(packages_asked(origin)) == LIST
    finish(again)
    assert again.told == []


def test_an_index_begins_one_list_and_no_second_one(
    build: MakeBuild, make_repository: MakeRepository, origin: Origin
) -> None:
    repository = make_repository(components=("main", "contrib"))
    for name in ("one", "two"):
        repository.add(name, "1.0")
    repository.publish()
    contrib = f"{repository.url}/dists/bookworm/contrib/binary-amd64/Packages.xz"
    for name in ("one", "two"):
        proxy = build(name, ONLY_ASKED, "build")
        update(proxy, repository)
        assert proxy.get(contrib).status == 200
        recorded(proxy, repository, name)
    origin.forget()
    again = build("again", command="build")
    update(again, repository)
    assert eventually(lambda: origin.count("*/pool/*") == 1)  # the two began within one second: either may be later
    assert again.get(contrib).status == 200
    assert get(again, repository, *packages_asked(origin)) == [200]
    finish(again)
    assert origin.count("*/pool/*") == 1


@pytest.mark.parametrize(("command", "is_same_generation"), [("another", True), ("build", False)])
def test_another_build_or_another_generation_waits_for_the_first_package(
    build: MakeBuild,
    repository: Repository,
    origin: Origin,
    tmp_path: Path,
    command: str,
    is_same_generation: bool,
) -> None:
    recorded(build("first", ONLY_ASKED, "build"), repository, *LIST)
    if not is_same_generation:
        (tmp_path / "environment/aptfreeze.lock").unlink()
    origin.forget()
    proxy = build("second", command=command)
    update(proxy, repository)
    assert get(proxy, repository, "other0", "other1") == [200, 200]
    assert packages_asked(origin) == ["other0", "other1"]
    assert get(proxy, repository, LIST[0]) == [200]
    assert eventually(lambda: origin.count("*/pool/*") == 2 + len(LIST))


# --- who goes first ---


class Held:
    """A build that asks for the first file of the list, and a mirror that does not answer yet. Behind that file wait
    the next seven: eight are on their way at once, where a mirror gets one connection and one request at a time."""

    def __init__(self, build: MakeBuild, repository: Repository, origin: Origin) -> None:
        self._stall = Stall()
        origin.inject(f"*/{LIST[0]}_*", self._stall)
        self.proxy = build("second", ONE_AT_A_TIME)
        self._first = self.proxy.asking(f"{repository.url}/{repository.binary(LIST[0]).path}")
        assert self._stall.reached.wait(10)
        self.wait_for(7)
        self._origin, self._before = origin, origin.count("*/pool/*")  # one may have been quicker than the first

    def wait_for(self, count: int) -> None:
        """Until so many files wait for their turn."""
        assert eventually(lambda: f"{count} waiting" in repr(self.proxy.archive.downloads.hosts))

    @property
    def asked(self) -> list[str]:
        """What the mirror was asked after the first file."""
        return packages_asked(self._origin)[self._before :]

    def release(self) -> None:
        self._stall.release()
        assert [answer.status for answer in self._first.result(30)] == [200]


def test_what_a_client_waits_for_goes_before_what_is_fetched_ahead(
    build: MakeBuild, repository: Repository, origin: Origin
) -> None:
    recorded(build("first", ONLY_ASKED), repository, *LIST)
    origin.forget()
    held = Held(build, repository, origin)
    waiting = [LIST[6], LIST[25], "other0"]  # waits its turn already; is far down the list; is not on it
    asking = held.proxy.asking(*(f"{repository.url}/{repository.binary(name).path}" for name in waiting))
    held.wait_for(9)
    held.release()
    assert [answer.status for answer in asking.result(30)] == [200] * len(waiting)
    assert set(held.asked[:3]) == set(waiting)


# --- when it ends ---


def test_a_build_that_goes_another_way_gets_nothing_more_of_the_list(
    build: MakeBuild, repository: Repository, origin: Origin
) -> None:
    recorded(build("first", ONLY_ASKED), repository, *LIST)
    recorded(build("second", ONLY_ASKED), repository, *STRAYS)
    origin.forget()
    held = Held(build, repository, origin)
    assert get(held.proxy, repository, *STRAYS) == [200] * 11
    held.release()
    assert get(held.proxy, repository, LIST[20]) == [200]
    assert held.asked == [LIST[20]]


def test_half_of_the_files_on_the_list_are_enough(build: MakeBuild, repository: Repository, origin: Origin) -> None:
    recorded(build("first", ONLY_ASKED), repository, *LIST)
    recorded(build("second", ONLY_ASKED), repository, *STRAYS)
    origin.forget()
    held = Held(build, repository, origin)
    assert get(held.proxy, repository, *STRAYS[:10]) == [200] * 10
    held.release()
    assert eventually(lambda: origin.count("*/pool/*") == len(LIST))


def test_a_list_that_was_given_up_is_not_followed_again_but_another_one_is(
    build: MakeBuild, repository: Repository, origin: Origin
) -> None:
    recorded(build("other", ONLY_ASKED), repository, "other0", "other1")
    recorded(build("first", ONLY_ASKED), repository, *LIST)
    recorded(build("second", ONLY_ASKED), repository, *STRAYS)
    origin.forget()
    held = Held(build, repository, origin)
    get(held.proxy, repository, *STRAYS)
    held.release()
    assert get(held.proxy, repository, "other0") == [200]
    assert eventually(lambda: sorted(held.asked) == ["other0", "other1"])
    assert get(held.proxy, repository, LIST[20], LIST[21]) == [200, 200]
    assert held.asked[2:] == [LIST[20], LIST[21]]


def test_a_file_behind_the_end_of_one_list_begins_the_next(
    build: MakeBuild, repository: Repository, origin: Origin, tmp_path: Path
) -> None:
    recorded(build("first", ONLY_ASKED), repository, "other0", *LIST)
    recorded(build("second", ONLY_ASKED), repository, *LIST[:3])
    origin.forget()
    proxy = build("third")
    assert get(proxy, repository, LIST[0]) == [200]
    assert eventually(lambda: holds(tmp_path, "third", repository, *LIST[:3]))
    assert get(proxy, repository, *LIST[:4]) == [200] * 4
    assert eventually(lambda: origin.count("*/pool/*") == len(LIST) + 1)


def test_a_file_that_no_mirror_has_is_passed_over_without_a_word(
    build: MakeBuild, repository: Repository, origin: Origin
) -> None:
    recorded(build("first", ONLY_ASKED), repository, *LIST)
    origin.forget()
    origin.inject(f"*/{LIST[1]}_*", Status(404))
    proxy = build("second")
    assert get(proxy, repository, LIST[0]) == [200]
    assert eventually(lambda: len(set(packages_asked(origin))) == len(LIST))
    finish(proxy)
    session = proxy.parts.session
    assert (session.failures, session.verdicts, session.dropped) == ([], [], set())
    assert not proxy.store.environment.absent.exists()
    assert get(proxy, repository, LIST[1]) == [404]
    assert len(session.failures) == 1


def test_a_mirror_in_trouble_gets_only_what_clients_wait_for(
    build: MakeBuild, repository: Repository, origin: Origin
) -> None:
    recorded(build("before", ONLY_ASKED), repository, *LIST)
    recorded(build("first", ONLY_ASKED), repository, *LIST)
    origin.forget()
    origin.inject(f"*/{LIST[1]}_*", Status(503))
    proxy = build("second", ONE_AT_A_TIME)
    assert get(proxy, repository, LIST[0]) == [200]
    assert eventually(lambda: f"{LIST[1]}" in packages_asked(origin) and not proxy.archive.downloads.running())
    # Eight are on their way at once; those that came before the bad news have let as many follow.
    asked = packages_asked(origin)
    assert len(asked) < 20
    assert get(proxy, repository, LIST[-1], LIST[-2]) == [200, 200]
    assert packages_asked(origin) == [*asked, LIST[-1], LIST[-2]]
    assert proxy.parts.session.failures == []


def test_what_nobody_asked_for_in_the_end_is_told_and_nothing_is_fetched_after_the_end(
    build: MakeBuild, repository: Repository, origin: Origin, tmp_path: Path
) -> None:
    recorded(build("other", ONLY_ASKED), repository, "other0", "other1")
    recorded(build("first", ONLY_ASKED), repository, *LIST)
    proxy = build("second")
    get(proxy, repository, LIST[0])
    assert eventually(lambda: holds(tmp_path, "second", repository, *LIST))
    get(proxy, repository, *LIST[:27])
    assert eventually(lambda: not proxy.archive.downloads.running())
    finish(proxy)
    size = sum(repository.file_of(name).stat().st_size for name in LIST[27:])
    assert len(proxy.told) == 1
    assert f"3 files ({size / 1000:.1f} kB) were fetched in vain" in proxy.told[0]
    origin.forget()
    assert get(proxy, repository, "other0", *STRAYS) == [200] * 12
    assert packages_asked(origin) == ["other0", *STRAYS]


def test_large_files_come_first_the_largest_before_the_others() -> None:
    sizes = [10, 5 << 20, 4 << 20, 30, 9 << 20, (4 << 20) - 1, 20]
    files = [file_of(size) for size in sizes]
    assert [file.entry.wanted.size for file in large_first(files)] == [
        9 << 20, 5 << 20, 4 << 20, 10, 30, (4 << 20) - 1, 20,
    ]  # fmt: skip


def file_of(size: int) -> PinnedPackage:
    digest = Digest.of(str(size).encode())
    pin = Pin(InRelease(digest), None)
    entry = IndexEntry(Wanted(digest, size), "gcc", "1", "amd64")
    return PinnedPackage(
        SuiteKey("mirror.example.org/debian", "bookworm"), pin, entry, "mirror.example.org/debian", "x"
    )
