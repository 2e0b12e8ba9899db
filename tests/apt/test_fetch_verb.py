# SPDX-License-Identifier: MIT
"""An archive that lost files, or never had them, is made complete again; what cannot be had is named."""

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze
from support.archive import every_object_verifies, objects_of, quarantined, rot
from support.faults import Stall, Status
from support.origin import Origin
from support.process import Result
from support.repository import MakeRepository, Repository
from support.signing import throwaway_key
from support.terminal import Terminal

UPDATE_AND_GET = "apt-get update && apt-get install --download-only"


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    """`hello` and `bash` with their sources, and `other`, which no build asks for."""
    repository = make_repository()
    repository.add("hello", "1.0", Depends="libhello")
    repository.add("libhello", "1.0", Source="hello")
    repository.add("bash", "5.2-1+b1", Source="bash (5.2-1)")
    repository.add("other", "1.0", size=300_000)
    for name, version in (("hello", "1.0"), ("bash", "5.2-1"), ("other", "1.0")):
        repository.add_source(name, version)
    repository.publish()
    return repository


def client(make_apt: MakeApt, repository: Repository) -> Apt:
    apt = make_apt()
    apt.add(repository)
    return apt


def build(product: Aptfreeze, apt: Apt, *packages: str, flags: tuple[str, ...] = ()) -> Result:
    return product.run(
        ["sh", "-c", f"{UPDATE_AND_GET} {' '.join(packages or ('hello', 'bash'))}"], *flags, env=apt.environ
    )


def verb(product: Aptfreeze, name: str, *flags: str) -> Result:
    return product.command(name, "--archive", str(product.archive), *flags)


def data(product: Aptfreeze, name: str, *flags: str) -> Any:
    return json.loads(verb(product, name, "--json", *flags).stdout)


def lose(product: Aptfreeze, *digests: str) -> None:
    for digest in digests:
        objects_of(product.archive)[digest].unlink()


@pytest.fixture
def built(make_apt: MakeApt, repository: Repository, aptfreeze: Aptfreeze, origin: Origin) -> Aptfreeze:
    build(aptfreeze, client(make_apt, repository)).ok()
    origin.forget()
    return aptfreeze


def test_after_a_build_nothing_is_missing_and_no_mirror_is_asked(built: Aptfreeze, origin: Origin) -> None:
    result = verb(built, "fetch").ok()

    assert "the archive is complete" in result.stdout
    assert result.stderr == ""
    assert origin.asked() == []


def test_what_the_archive_lost_comes_back_and_nothing_else(
    built: Aptfreeze, repository: Repository, origin: Origin
) -> None:
    before = objects_of(built.archive).keys()
    lose(built, repository.binary("hello").sha256)

    result = verb(built, "fetch").ok()

    assert objects_of(built.archive).keys() == before
    assert origin.asked() == [f"/debian/{repository.binary('hello').path}"]
    assert "1 were fetched" in result.stdout
    assert result.said_by("aptfreeze").startswith("aptfreeze: fetching 1 of 3 files: ")


def test_an_empty_archive_is_filled_by_the_record(
    built: Aptfreeze, repository: Repository, make_apt: MakeApt, origin: Origin
) -> None:
    shutil.rmtree(built.archive)

    verb(built, "fetch").ok()

    assert every_object_verifies(built.archive) == 1 + 2 + 3  # InRelease, Packages and Sources, packages
    origin.stop()
    apt = client(make_apt, repository)
    build(built, apt, flags=("--offline", "--locked")).ok()
    assert len(apt.fetched()) == 3


def test_a_file_with_another_size_is_fetched_again(built: Aptfreeze, repository: Repository) -> None:
    path = objects_of(built.archive)[repository.binary("bash").sha256]
    path.chmod(0o644)
    path.write_bytes(b"torn")

    verb(built, "fetch").ok()

    assert every_object_verifies(built.archive)


def test_offline_only_tells_what_is_missing(built: Aptfreeze, repository: Repository, origin: Origin) -> None:
    lose(built, repository.binary("hello").sha256)

    result = verb(built, "fetch", "--offline").fails(3)

    assert f"MISSING package hello 1.0 amd64 ({origin.host}/debian/{repository.binary('hello').path})" in result.stdout
    assert origin.asked() == []


def test_what_no_mirror_has_is_named_and_the_rest_comes(built: Aptfreeze, repository: Repository) -> None:
    lose(built, repository.binary("hello").sha256, repository.binary("bash").sha256)
    repository.file_of("hello").unlink()

    found = data(built, "fetch")

    assert (found["exit_status"], found["fetched"], found["held"]) == (3, 1, found["files"] - 2)
    [missing] = found["missing"]
    assert (missing["name"], missing["gone"], missing["suite"]) == ("hello 1.0 amd64", True, "bookworm")
    assert "404" in missing["reason"]
    assert verb(built, "fetch").returncode == 3


def test_a_mirror_that_fails_in_passing_is_another_status(
    built: Aptfreeze, repository: Repository, origin: Origin
) -> None:
    built.configure("[fetch]\nretries = 0")
    lose(built, repository.binary("hello").sha256)
    origin.inject("*.deb", Status(503))

    result = verb(built, "fetch").fails(4)

    assert "503" in result.stdout
    verb(built, "fetch").fails(4)


def test_without_a_record_used_is_an_error_and_never_an_empty_success(built: Aptfreeze, repository: Repository) -> None:
    shutil.rmtree(built.environment / ".aptfreeze")

    result = verb(built, "fetch").fails(3)

    assert "no run of generation" in result.said_by("aptfreeze")
    assert "--all" in result.said_by("aptfreeze")
    assert result.stdout == ""


def test_a_new_machine_with_the_lock_alone_builds_offline_after_fetch_all(
    built: Aptfreeze, repository: Repository, make_apt: MakeApt, origin: Origin, tmp_path: Path
) -> None:
    new = Aptfreeze(tmp_path / "new-machine")
    shutil.copy(built.lock_file, new.lock_file)
    shutil.copy(built.configuration, new.configuration)

    result = verb(new, "fetch", "--all").ok()

    assert "fetching 4 of 4 files: " in result.said_by("aptfreeze")
    origin.stop()
    apt = client(make_apt, repository)
    apt.set("Acquire::Languages", "en")
    build(new, apt, "hello", "bash", "other", flags=("--offline", "--locked")).ok()
    assert len(apt.fetched()) == 4


def test_the_sources_of_what_was_used_are_had_by_name_and_version(
    built: Aptfreeze, repository: Repository, origin: Origin
) -> None:
    verb(built, "fetch", "--sources").ok()

    held = objects_of(built.archive).keys()
    for name in ("hello", "bash"):
        assert set(repository.sources[name].sha256.values()) <= held
    assert not set(repository.sources["other"].sha256.values()) & held
    assert len(origin.asked("*.dsc")) == len(origin.asked("*.tar.xz")) == 2


def test_a_source_that_no_suite_lists_is_named(make_apt: MakeApt, repository: Repository, aptfreeze: Aptfreeze) -> None:
    repository.add_source("bash", "5.2-2")
    repository.publish()
    build(aptfreeze, client(make_apt, repository)).ok()

    result = verb(aptfreeze, "fetch", "--sources").fails(3)

    assert "MISSING source bash 5.2-1" in result.stdout
    assert "bash 5.2-1+b1 amd64" in result.stdout


# --- status --check ---


def test_after_a_build_everything_is_archived_and_on_the_mirror(built: Aptfreeze, origin: Origin) -> None:
    result = verb(built, "status", "--check").ok()

    assert f"{origin.host}/debian bookworm\n  signature: good, signed by " in result.stdout
    assert "  6 files used: 6 archived (" in result.stdout
    assert "), 6 on mirrors" in result.stdout
    assert "everything that builds used is archived" in result.stdout
    assert result.stderr == ""
    asked = [seen for seen in origin.requests if not seen.path.endswith("/InRelease")]
    assert asked
    assert all(seen.headers["range"] == "bytes=0-0" for seen in asked)


def test_offline_no_mirror_is_asked(built: Aptfreeze, origin: Origin) -> None:
    result = verb(built, "status", "--check", "--offline").ok()

    assert "no mirror was asked" in result.stdout
    assert origin.asked() == []


def test_what_only_the_mirror_has_is_a_warning_with_the_command_that_fetches_it(
    built: Aptfreeze, repository: Repository, origin: Origin
) -> None:
    lose(built, repository.binary("hello").sha256)

    result = verb(built, "status", "--check").ok()

    where = f"{origin.host}/debian/{repository.binary('hello').path}"
    assert f"NOT archived, but on a mirror: package hello 1.0 amd64 ({where})" in result.stdout
    assert "Hint: aptfreeze fetch" in result.stdout
    verb(built, "status", "--check", "--offline").fails(3)
    verb(built, "fetch").ok()
    assert "everything that builds used is archived" in verb(built, "status", "--check").ok().stdout


def test_what_nobody_has_any_more_is_named(built: Aptfreeze, repository: Repository) -> None:
    lose(built, repository.binary("hello").sha256)
    repository.remove("hello")
    repository.publish()

    result = verb(built, "status", "--check").fails(3)

    assert "NOT archived, and gone from every mirror: package hello 1.0 amd64 (" in result.stdout


def test_what_the_mirror_dropped_and_the_archive_holds_is_told(built: Aptfreeze, repository: Repository) -> None:
    repository.add("bash", "5.3-1")
    repository.publish()

    result = verb(built, "status", "--check").ok()

    assert "gone from every mirror, but archived here: bash 5.2-1+b1 amd64, " in result.stdout


def test_a_mirror_that_is_away_is_no_mirror_that_has_dropped_it(
    built: Aptfreeze, repository: Repository, origin: Origin
) -> None:
    lose(built, repository.binary("hello").sha256)
    origin.stop()

    result = verb(built, "status", "--check").fails(3)

    assert "and mirrors cannot tell: package hello 1.0 amd64" in result.stdout
    assert "gone from" not in result.stdout


def test_damage_is_found_by_reading_every_byte_and_fetched_anew(built: Aptfreeze, repository: Repository) -> None:
    digest = repository.binary("bash").sha256
    rot(built.archive, digest, 100)

    verb(built, "status", "--check").ok()
    found = verb(built, "status", "--check", "--hash").ok()

    assert "DAMAGED in the archive, but on a mirror: package bash 5.2-1+b1 amd64" in found.stdout
    assert quarantined(built.archive) == {digest}
    verb(built, "fetch").ok()
    assert "everything" in verb(built, "status", "--check", "--hash").ok().stdout


def test_sources_count_once_they_were_fetched(built: Aptfreeze, repository: Repository) -> None:
    verb(built, "fetch", "--sources").ok()
    (tarball,) = (d for name, d in repository.sources["hello"].sha256.items() if name.endswith(".tar.xz"))
    lose(built, tarball)

    [suite] = data(built, "status", "--check")["check"]["suites"]

    assert suite["files"]["used"] == 6 + 4
    [missing] = suite["files"]["missing"]
    assert (missing["part"], missing["name"]) == ("source", "hello 1.0 hello_1.0.tar.xz")


def test_without_a_record_it_is_not_known_what_was_used(built: Aptfreeze) -> None:
    shutil.rmtree(built.environment / ".aptfreeze")

    assert "no run of this generation is recorded" in verb(built, "status", "--check").fails(3).stdout


def test_valid_until_and_the_end_of_a_key_are_told_before_they_come(
    make_apt: MakeApt, aptfreeze: Aptfreeze, origin: Origin, tmp_path: Path
) -> None:
    with throwaway_key("Mortal", lives="30d") as key:
        repository = Repository(origin.root / "mortal", key, url=f"{origin.url}/mortal")
        repository.add("hello", "1.0")
        repository.publish(valid_for=timedelta(days=7, hours=12))
        product = Aptfreeze(tmp_path / "mortal-product")
        product.trust(key)
        build(product, client(make_apt, repository), "hello").ok()

        result = verb(product, "status", "--check").ok()

    assert f"EXPIRES SOON: key {key.fingerprint} expires " in result.stdout
    assert 'UTC: apt outside of "aptfreeze run" accepts it for 6 days more' in result.stdout


def test_ctrl_c_loses_nothing_that_came(built: Aptfreeze, repository: Repository, origin: Origin) -> None:
    lose(built, repository.binary("hello").sha256, repository.binary("bash").sha256)
    origin.inject("*.deb", stall := Stall(), spared=1)
    line = built.line("fetch", "--archive", str(built.archive))

    with Terminal(line, env=built.environ, cwd=built.environment) as terminal:
        assert stall.reached.wait(30)
        terminal.wait_for("1 of 2 files")
        terminal.press(b"\x03")
        assert terminal.ended() == 130

    assert "interrupted; 1 file came, and the next fetch goes on from there" in terminal.output
    stall.release()
    assert data(built, "fetch")["fetched"] == 1


def test_ctrl_c_ends_a_check_that_waits_for_a_mirror(built: Aptfreeze, origin: Origin) -> None:
    origin.inject("*.deb", stall := Stall())
    line = built.line("status", "--check", "--archive", str(built.archive))

    with Terminal(line, env=built.environ, cwd=built.environment) as terminal:
        assert stall.reached.wait(30)
        terminal.wait_for(" of 6 files")
        terminal.press(b"\x03")
        assert terminal.ended() == 130
