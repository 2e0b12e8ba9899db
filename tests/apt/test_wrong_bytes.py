# SPDX-License-Identifier: MIT
"""Wrong bytes on the way or in the archive: never stored, never ended cleanly, repaired where another copy exists."""

import hashlib
import http.client
import random
from pathlib import Path

import pytest

from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze, Serving
from support.build import build
from support.client import ask
from support.faults import Ending, Fault, Flip, FromFolder, NoRange, Status, Truncate, WrongLength
from support.origin import Origin
from support.repository import Repository

SIZES = pytest.mark.parametrize("size", [300_000, 5_000_000], ids=["300 KB", "5 MB"])
FAULTS = pytest.mark.parametrize(
    "faults",
    [
        pytest.param([Flip(1000)], id="a bit"),
        pytest.param([Flip(-1)], id="the last bit"),
        pytest.param([NoRange(), Truncate(100_000)], id="cut"),
        pytest.param([NoRange(), Truncate(100_000, Ending.RESET)], id="reset"),
        pytest.param([WrongLength(+7)], id="too short"),
        pytest.param([WrongLength(-7)], id="too long"),
        pytest.param([Status(500)], id="500"),
        pytest.param([Status(404)], id="404"),
    ],
)


def _objects(aptfreeze: Aptfreeze) -> list[Path]:
    return [file for file in (aptfreeze.archive / "objects").rglob("*") if file.is_file()]


def _assert_every_object_is_what_its_name_says(aptfreeze: Aptfreeze) -> None:
    for file in _objects(aptfreeze):
        assert hashlib.sha256(file.read_bytes()).hexdigest() == file.name


@pytest.fixture
def two_mirrors(repository: Repository, second_origin: Origin, aptfreeze: Aptfreeze) -> str:
    """The repository's identity; its first mirror is the one with faults, the second one is right."""
    mirrors = f'["{repository.url}", "{second_origin.url}/debian"]'
    aptfreeze.configure(f'[mirrors]\n"mirror.example.org/debian" = {mirrors}\n[fetch]\nretries = 1')
    return "http://mirror.example.org/debian"


@SIZES
@FAULTS
def test_the_second_mirror_repairs_it_in_the_same_run(
    repository: Repository,
    aptfreeze: Aptfreeze,
    apt: Apt,
    origin: Origin,
    second_origin: Origin,
    two_mirrors: str,
    size: int,
    faults: list[Fault],
) -> None:
    hello = repository.add("hello", "1.0", size=size).sha256
    repository.publish()
    repository.copy_to(second_origin.root / "debian")
    origin.inject("*.deb", *faults)
    with aptfreeze.serve() as frozen:
        apt.use_proxy(frozen.proxy)

        assert build(apt, repository, url=two_mirrors) == {"hello_1.0_amd64.deb": hello}

    _assert_every_object_is_what_its_name_says(aptfreeze)


@SIZES
@FAULTS
def test_without_a_second_mirror_nothing_is_stored_and_nothing_ends_cleanly(
    repository: Repository, aptfreeze: Aptfreeze, apt: Apt, origin: Origin, size: int, faults: list[Fault]
) -> None:
    hello = repository.add("hello", "1.0", size=size)
    repository.publish()
    origin.inject("*.deb", *faults)
    aptfreeze.configure("[fetch]\nretries = 0")
    apt.set("Acquire::Retries", "0")
    apt.add(repository)
    with aptfreeze.serve() as frozen:
        apt.use_proxy(frozen.proxy)
        apt.update().ok()

        assert not _ends_cleanly(frozen, f"{repository.url}/{hello.path}")
        apt.install("hello").fails(100)

    assert hello.sha256 not in {file.name for file in _objects(aptfreeze)}
    assert apt.fetched() == {}


def _ends_cleanly(frozen: Serving, url: str) -> bool:
    try:
        return ask(frozen.proxy, url).status == 200
    except (http.client.IncompleteRead, ConnectionResetError):
        return False


def test_a_cut_download_is_resumed_where_it_was_cut(
    repository: Repository, client: Apt, origin: Origin, aptfreeze: Aptfreeze
) -> None:
    hello = repository.add("hello", "1.0", size=1_000_000)
    repository.publish()
    origin.inject("*.deb", Truncate(400_000))

    assert build(client, repository) == {"hello_1.0_amd64.deb": hello.sha256}

    ranges = [seen.headers.get("range") for seen in origin.requests if seen.path.endswith(".deb")]
    assert ranges == [None, "bytes=400000-", "bytes=800000-"]


def test_a_wrong_index_is_repaired_too(
    repository: Repository, aptfreeze: Aptfreeze, apt: Apt, origin: Origin, second_origin: Origin, two_mirrors: str
) -> None:
    repository.copy_to(second_origin.root / "debian")
    origin.inject("*/binary-amd64/*", Flip(20))
    with aptfreeze.serve() as frozen:
        apt.use_proxy(frozen.proxy)

        assert list(build(apt, repository, url=two_mirrors)) == ["hello_1.0_amd64.deb"]


def test_a_large_wrong_index_costs_no_pin_where_another_mirror_has_it_right(
    repository: Repository, aptfreeze: Aptfreeze, apt: Apt, origin: Origin, second_origin: Origin, two_mirrors: str
) -> None:
    # Its bytes go out while they arrive, so the client is cut off and asks again: the first mirror's fault alone.
    for number in range(100):
        repository.add(f"bulky-{number}", "1.0", Bulk=random.Random(number).randbytes(20_000).hex())
    repository.publish()
    repository.copy_to(second_origin.root / "debian")
    origin.inject("*/binary-amd64/*", Flip(20))
    with aptfreeze.serve() as frozen:
        apt.use_proxy(frozen.proxy)

        assert list(build(apt, repository, url=two_mirrors)) == ["hello_1.0_amd64.deb"]

    assert origin.count("*/InRelease") == 1
    assert "dropped" not in frozen.output


def test_a_mirror_in_mid_sync_is_not_pinned_and_asking_again_later_is_enough(
    repository: Repository, aptfreeze: Aptfreeze, apt: Apt, origin: Origin, tmp_path: Path
) -> None:
    repository.copy_to(tmp_path / "old/debian")
    repository.add("hello", "2.0")
    repository.publish()
    origin.inject("*/binary-amd64/*", FromFolder(tmp_path / "old"))  # new InRelease, old indexes
    apt.add(repository)
    apt.set("Acquire::Retries", "0")
    aptfreeze.configure("[fetch]\nretries = 0")
    with aptfreeze.serve() as frozen:
        apt.use_proxy(frozen.proxy)
        assert "503" in apt.update().output
        assert aptfreeze.pins == {}

        origin.heal()
        apt.update().ok()
        apt.install("hello").ok()

    assert list(apt.fetched()) == ["hello_2.0_amd64.deb"]


def test_an_object_that_rots_is_quarantined_and_fetched_again(
    repository: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt, origin: Origin
) -> None:
    hello = repository.binary("hello").sha256
    with aptfreeze.serve() as frozen:
        first = build(make_apt(proxy=frozen.proxy), repository)
    (rotten,) = (file for file in _objects(aptfreeze) if file.name == hello)
    data = bytearray(rotten.read_bytes())
    data[500] ^= 1
    rotten.chmod(0o644)
    rotten.write_bytes(data)
    origin.forget()

    with aptfreeze.serve() as restarted:
        assert build(make_apt(proxy=restarted.proxy), repository) == first

    assert origin.asked() == ["/debian/pool/main/h/hello/hello_1.0_amd64.deb"]
    assert [file.name.startswith(hello) for file in (aptfreeze.archive / "quarantine").iterdir()] == [True]
    _assert_every_object_is_what_its_name_says(aptfreeze)
