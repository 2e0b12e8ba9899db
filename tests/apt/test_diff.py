# SPDX-License-Identifier: MIT
"""A mirror moves, builds follow it on purpose, and `diff` tells what changed: of all packages, and of those used."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from support.apt import MakeApt
from support.aptfreeze import Aptfreeze
from support.archive import objects_of
from support.origin import Origin
from support.repository import MakeRepository, Repository

USED = ("hello", "libx1", "tool")


@pytest.fixture
def main(make_repository: MakeRepository) -> Repository:
    """Of four packages, of which builds use three."""
    repository = make_repository()
    for name in USED:
        repository.add(name, "1.0", Source="x (1.0)") if name == "libx1" else repository.add(name, "1.0")
    repository.add("unused", "2.0")
    repository.publish()
    return repository


@pytest.fixture
def security(make_repository: MakeRepository) -> Repository:
    """Empty at first."""
    name = "bookworm-security"
    repository = make_repository("security", suite=name, suite_field="stable-security", codename=name)
    repository.add("other", "1.0")
    repository.publish()
    return repository


def fetched(
    product: Aptfreeze, make_apt: MakeApt, repositories: Sequence[Repository], *packages: str
) -> dict[str, Path]:
    """A fresh client of that moment updates its lists and fetches packages; where each lies, by file name."""
    client = make_apt()
    for repository in repositories:
        client.add(repository)
    with product.serve() as frozen:
        client.use_proxy(frozen.proxy)
        client.update().ok()
        if packages:
            client.install(*packages).ok()
    return {name: client.archives / name for name in client.fetched()}


def move(main: Repository, security: Repository) -> None:
    """The mirror's next state; it keeps indexes by-hash, as Debian does for some weeks."""
    main.add("hello", "1.1")
    main.add("unused", "2.0~rc1")
    main.add("new", "1.0")
    main.remove("tool")
    main.publish(keep_by_hash=True)
    security.add("libx1", "1.0+deb12u1", Source="x")
    security.publish(keep_by_hash=True)


def diff(product: Aptfreeze, *words: str, status: int = 0) -> list[str]:
    done = product.command("diff", "--archive", str(product.archive), *words)
    assert done.returncode == status, str(done)
    return done.stdout.splitlines()


def data(product: Aptfreeze, *words: str) -> Any:
    return json.loads("\n".join(diff(product, "--json", *words)))


@pytest.fixture
def moved(aptfreeze: Aptfreeze, make_apt: MakeApt, main: Repository, security: Repository) -> Aptfreeze:
    """One generation was built with and committed as v1; the current one has the mirror's next state."""
    assert len(fetched(aptfreeze, make_apt, [main, security], *USED)) == 3
    for words in (
        ["init", "--quiet"],
        ["add", "aptfreeze.lock"],
        ["-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "--message", "v1"],
        ["tag", "v1"],
    ):
        subprocess.run(["git", *words], cwd=aptfreeze.environment, env=aptfreeze.environ, check=True, timeout=30)
    move(main, security)
    aptfreeze.command("reset").ok()
    fetched(aptfreeze, make_apt, [main, security])
    return aptfreeze


@pytest.mark.parametrize("word", [None, "v1", "HEAD"])
def test_what_changed_in_the_suites(
    moved: Aptfreeze, main: Repository, security: Repository, origin: Origin, word: str | None
) -> None:
    origin.forget()
    told = diff(moved, *([] if word is None else [word]))

    assert [line for line in told if line.startswith("  ")] == [
        "  ^ hello amd64 1.0 -> 1.1 (hello)",
        "  + new amd64 1.0",
        "  - tool amd64 1.0",
        "  v unused amd64 2.0 -> 2.0~rc1 (unused)",
        "  + libx1 amd64 1.0+deb12u1",
    ]
    assert told[1].endswith(", 1 added, 1 removed, 1 upgraded, 1 downgraded")
    assert origin.asked() == []


def test_what_became_of_the_used_packages_is_what_the_next_build_gets(
    moved: Aptfreeze, make_apt: MakeApt, main: Repository, security: Repository
) -> None:
    changes = data(moved, "--used")["changes"]

    assert [(each["package"], each["after"], each["security"]) for each in changes] == [
        ("hello", "1.1", False),
        ("libx1", "1.0+deb12u1", True),
        ("tool", None, False),
    ]
    assert changes[1]["source"] == "x"
    files = fetched(moved, make_apt, [main, security], "hello", "libx1")
    got = {tuple(name.split("_")[:2]): file.stat().st_size for name, file in files.items()}
    assert got == {(each["package"], each["after"]): each["size"] for each in changes if each["after"]}
    assert {each["package"]: each["to_download"] for each in data(moved, "--used")["changes"]} == dict.fromkeys(USED, 0)


def test_the_other_way_round(moved: Aptfreeze) -> None:
    current = moved.lock["generation"]
    signs = [line[2] for line in diff(moved, current, "v1") if line.startswith("  ")]
    assert sorted(signs) == sorted("v-+^-")
    done = moved.command("diff", "--archive", str(moved.archive), "--used", current, "v1").ok()
    assert "0 packages used before: no package differs" in done.stdout  # an update alone was recorded of it


def test_indexes_that_the_archive_lost_are_fetched_again(moved: Aptfreeze, origin: Origin) -> None:
    before = diff(moved)
    shutil.rmtree(moved.archive / "index")
    for path in objects_of(moved.archive).values():
        if not path.read_bytes().startswith(b"-----BEGIN PGP"):
            path.unlink()
    origin.forget()

    assert sum("NOT COMPARED" in line for line in diff(moved, "--offline", status=3)) == 2
    assert origin.asked() == []
    assert diff(moved) == before
    assert all("/by-hash/" in path for path in origin.asked())


def test_a_state_that_nobody_has_any_more_is_said_and_fails(moved: Aptfreeze, main: Repository) -> None:
    moved.archive = moved.root / "empty archive"
    done = moved.command("diff", "--archive", str(moved.archive), "v1").fails(3)

    key = f"{main.url.removeprefix('http://')} bookworm"
    assert f"{key}: " in done.stdout
    assert done.stdout.count("NOT COMPARED: the pinned dists/") == 2
    assert f"2 suites could not be compared: {key} (the pinned dists/bookworm/InRelease of" in done.stderr


def test_nothing_differs_from_itself(moved: Aptfreeze) -> None:
    assert diff(moved, moved.lock["generation"][:8])[1:] == ["nothing differs"]


def test_a_word_that_names_nothing(moved: Aptfreeze) -> None:
    done = moved.command("diff", "v9").fails(2)
    assert "'v9' is no state" in done.stderr
    assert "invalid object name 'v9'" in done.stderr
