# SPDX-License-Identifier: MIT
"""Every corresponding source of what is shipped, in a folder that dpkg-source reads, or the list of what is missing."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze
from support.archive import rot
from support.faults import Stall, Status
from support.origin import Origin
from support.packages import Binary
from support.process import Result
from support.repository import MakeRepository, Repository
from support.rootfs import installed, packed, rootfs
from support.snapshot import SnapshotService
from support.terminal import Terminal

GET = "apt-get update && apt-get install --download-only"
LOCAL = Binary("vendor-tool", "3.0", fields={"Source": "vendor-suite (3.0-1)"})


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    """`hello`, a binNMU of `bash` that holds parts of an old `zlib`, and `tool`, whose source is in another suite."""
    repository = make_repository()
    repository.add("hello", "1.0")
    repository.add("bash", "5.2-1+b1", Source="bash (5.2-1)", built_using="zlib (= 1.0-1)")
    repository.add("tool", "2:4.0-1")
    for name, version in (("hello", "1.0"), ("bash", "5.2-1"), ("zlib", "1.0-2")):
        repository.add_source(name, version)
    repository.add_source("zlib", "1.0-1", extra=True)
    for key, binary in repository.binaries.items():
        repository.binaries[key] = replace(binary, copyright=f"copyright of {binary.name}\n".encode())
    repository.publish()
    return repository


@pytest.fixture
def updates(make_repository: MakeRepository) -> Repository:
    """Another suite of another repository."""
    updates = make_repository("security", suite="bookworm-security", codename="bookworm-security")
    updates.add("late", "1.0")
    updates.add_source("tool", "2:4.0-1")
    updates.add_source("late", "1.0")
    updates.publish()
    return updates


@pytest.fixture
def service(tmp_path: Path) -> Iterator[SnapshotService]:
    with SnapshotService(tmp_path / "snapshots") as service:
        yield service


def build(product: Aptfreeze, make_apt: MakeApt, repositories: list[Repository], *packages: str) -> Apt:
    apt = make_apt()
    for repository in repositories:
        apt.add(repository)
    product.run(["sh", "-c", f"{GET} {' '.join(packages)}"], env=apt.environ).ok()
    return apt


@pytest.fixture
def built(make_apt: MakeApt, repository: Repository, updates: Repository, aptfreeze: Aptfreeze) -> Aptfreeze:
    """All three were used, of two pinned suites."""
    build(aptfreeze, make_apt, [repository, updates], "hello", "bash", "tool")
    return aptfreeze


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "release" / "sources"


@pytest.fixture(autouse=True)
def place(out: Path) -> None:
    out.parent.mkdir()


def sources(product: Aptfreeze, *flags: str | Path) -> Result:
    return product.command("sources", "--archive", str(product.archive), *map(str, flags))


def data(product: Aptfreeze, *flags: str | Path) -> Any:
    return json.loads(sources(product, "--json", *flags).stdout)


def unpacked(folder: Path, target: Path) -> str:
    """What dpkg-source makes of a source package's folder: the name of what it unpacks."""
    if shutil.which("dpkg-source") is None:
        pytest.skip("dpkg-dev is not installed")
    (dsc,) = folder.glob("*.dsc")
    target.parent.mkdir(exist_ok=True)
    line = ["dpkg-source", "--no-check", "-x", str(dsc), str(target)]
    subprocess.run(line, check=True, capture_output=True, timeout=60)
    return (target / "debian/source/format").read_text().strip()


def test_what_runs_used_is_put_into_a_folder_that_dpkg_source_reads(
    built: Aptfreeze, out: Path, tmp_path: Path
) -> None:
    told = sources(built, "--out", out).ok()

    assert "3 packages, 4 source packages, 8 files" in told.stdout
    assert f"all sources are in {out}" in told.stdout
    assert {path.name for path in out.iterdir() if path.is_dir()} == {
        *("hello_1.0", "bash_5.2-1", "zlib_1.0-1", "tool_2%3A4.0-1"),
    }
    for folder in (path for path in out.iterdir() if path.is_dir()):
        assert unpacked(folder, tmp_path / "unpacked" / folder.name) == "3.0 (native)"


def test_the_table_tells_which_binary_demands_which_file_and_why(
    built: Aptfreeze, repository: Repository, out: Path
) -> None:
    sources(built, "--out", out).ok()

    header, *lines = [line.split("\t") for line in (out / "sources.tsv").read_text().splitlines()]
    rows = [dict(zip(header, line, strict=True)) for line in lines]
    zlib = [row for row in rows if row["source"] == "zlib"]
    assert [(row["package"], row["version"], row["how"], row["source_version"]) for row in zlib] == [
        ("bash", "5.2-1+b1", "built-using", "1.0-1")
    ] * 2
    assert {row["path"]: row["sha256"] for row in zlib} == {
        f"zlib_1.0-1/{name}": digest for name, digest in repository.sources["zlib 1.0-1"].sha256.items()
    }
    assert {row["chain"] for row in rows} == {"signed"}
    (suite,) = {row["suite"] for row in rows if row["source"] == "tool"}
    assert suite.endswith("/security bookworm-security")


def test_the_same_packages_give_the_same_bytes(built: Aptfreeze, out: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()

    sources(built, "--out", out, "--copyright").ok()
    sources(built, "--out", other, "--copyright").ok()

    assert subprocess.run(["diff", "-r", out, other], capture_output=True).stdout == b""
    assert (out / "copyright/bash_5.2-1+b1_amd64").read_bytes() == b"copyright of bash\n"


def test_what_is_archived_is_not_fetched_and_check_fetches_nothing(built: Aptfreeze, origin: Origin) -> None:
    origin.forget()
    before = data(built, "--check")
    assert origin.asked() == []
    assert sources(built, "--check").returncode == 3
    assert {(each["source"], len(each["files"])) for each in before["missing"]} == {
        *(("hello", 2), ("bash", 2), ("zlib", 2), ("tool", 2)),
    }
    reasons = {file["reason"] for each in before["missing"] for file in each["files"]}
    assert reasons == {"it is not in the archive, and --check forbids to fetch it"}

    fetched = data(built)
    origin.forget()

    assert (fetched["fetched"], fetched["exit_status"]) == (8, 0)
    assert data(built, "--check")["complete"]
    assert data(built, "--offline")["complete"]
    assert origin.asked() == []


def test_an_image_is_what_counts_where_it_is_given(
    built: Aptfreeze, repository: Repository, updates: Repository, tmp_path: Path
) -> None:
    image = packed(rootfs(tmp_path / "image", installed(repository.binary("bash")), installed(updates.binary("late"))))

    found = data(built, "--rootfs", image)

    assert {(each["package"], each["how"], each["source"]) for each in found["packages"]} == {
        *(("bash", "source", "bash"), ("bash", "built-using", "zlib"), ("late", "source", "late")),
    }
    assert found["complete"]


def test_without_a_record_an_image_is_enough(built: Aptfreeze, repository: Repository, tmp_path: Path) -> None:
    image = rootfs(tmp_path / "image", installed(repository.binary("bash")))
    shutil.rmtree(built.environment / ".aptfreeze")
    shutil.rmtree(built.archive)

    assert data(built, "--rootfs", image)["complete"]
    assert "no run of generation" in sources(built).fails(3).stderr


def test_a_package_that_was_built_here_fails_unless_somebody_says_why(
    built: Aptfreeze, repository: Repository, tmp_path: Path, out: Path
) -> None:
    image = rootfs(tmp_path / "image", installed(repository.binary("hello")), installed(LOCAL))

    told = sources(built, "--rootfs", image).fails(3).stdout
    assert "MISSING vendor-suite 3.0-1 (source of vendor-tool 3.0 amd64):\n  no Sources index of a pinned suite" in told

    built.configure('[[exception]]\npackage = "vendor-tool"\nlacks = ["source"]\nreason = "binary only, see LICENSE"')
    built.configure('[[exception]]\npackage = "gone"\nlacks = ["source"]\nreason = "old"')
    told_now = sources(built, "--rootfs", image, "--out", out).ok()

    reason = "EXCEPTION vendor-suite 3.0-1 (source of vendor-tool 3.0 amd64): binary only, see LICENSE"
    assert reason in told_now.stdout
    assert "the exception for gone fits nothing that is shipped: old" in told_now.stderr
    assert (
        "vendor-tool\t3.0\tamd64\tsource\tvendor-suite\t3.0-1\t\t\t\t\t\texception: binary only, see LICENSE"
        in (out / "sources.tsv").read_text().splitlines()
    )


def test_what_no_suite_lists_comes_from_a_snapshot_service_and_is_marked(
    built: Aptfreeze,
    make_repository: MakeRepository,
    repository: Repository,
    service: SnapshotService,
    tmp_path: Path,
    origin: Origin,
    out: Path,
) -> None:
    old = Repository(tmp_path / "old", repository.key)
    old.add_source("golang-x", "1:0.1-1")
    old.publish()
    service.keep("debian", old.root, old.date)
    built.configure(f'[snapshot.archives]\n"{origin.host}/debian" = "{service.archive_url("debian")}"')
    static = Binary("gotool", "1.0", fields={"Static-Built-Using": "golang-x (= 1:0.1-1)", "Source": "hello"})
    image = rootfs(tmp_path / "image", installed(static))

    told = sources(built, "--rootfs", image, "--out", out).ok()

    assert "from a snapshot service, outside the signed chain: golang-x 1:0.1-1" in told.stdout
    assert unpacked(out / "golang-x_1%3A0.1-1", tmp_path / "unpacked") == "3.0 (native)"
    [row] = [each for each in json.loads((out / "sources.json").read_text())["sources"] if each["suite"] is None]
    assert (row["chain"], row["source"]) == ("snapshot", "golang-x")
    assert {file["name"]: file["sha256"] for file in row["files"]} == old.sources["golang-x"].sha256
    service.forget()
    assert data(built, "--rootfs", image, "--offline")["complete"]
    assert service.asked() == []

    built.command("gc", "--archive", str(built.archive)).ok()
    assert data(built, "--rootfs", image, "--offline")["complete"]


def test_what_is_nowhere_is_told_with_all_that_was_tried(
    built: Aptfreeze, repository: Repository, service: SnapshotService, tmp_path: Path, origin: Origin
) -> None:
    built.configure(f'[snapshot.archives]\n"{origin.host}/debian" = "{service.archive_url("debian")}"')
    static = Binary("gotool", "1.0", fields={"Static-Built-Using": "lost (= 1.0)", "Source": "hello"})
    image = rootfs(tmp_path / "image", installed(static))

    result = sources(built, "--rootfs", image).fails(3)

    assert "MISSING lost 1.0 (Static-Built-Using of gotool 1.0 amd64):\n  no Sources index of a pinned" in result.stdout
    assert f"{service.url}/mr/package/lost/1.0/srcfiles?fileinfo=1: 404" in result.stdout
    assert "1 source package could not be had, 1 of them only linked statically" in result.stdout
    [missing] = data(built, "--rootfs", image)["missing"]
    assert (missing["source"], missing["gone"], len(missing["tried"])) == ("lost", True, 2)
    assert "--offline forbids to ask a snapshot service" in sources(built, "--offline", "--rootfs", image).stdout


def test_a_file_that_no_mirror_has_is_named_and_the_rest_is_there(
    built: Aptfreeze, repository: Repository, out: Path
) -> None:
    source = repository.sources["hello"]
    (tarball,) = (name for name in source.build() if name.endswith(".tar.xz"))
    (repository.root / source.directory / tarball).unlink()

    result = sources(built, "--out", out).fails(3)

    assert f"MISSING hello 1.0 (source of hello 1.0 amd64):\n  {tarball}: no mirror has" in result.stdout
    [missing] = json.loads((out / "sources.json").read_text())["missing"]
    assert [(file["name"], file["digest"]) for file in missing["files"]] == [
        (tarball, f"sha256:{source.sha256[tarball]}")
    ]
    assert not json.loads((out / "sources.json").read_text())["complete"]
    assert not (out / "hello_1.0").exists()
    assert (out / "bash_5.2-1").exists()


def test_a_mirror_that_fails_is_no_mirror_that_has_nothing(built: Aptfreeze, origin: Origin) -> None:
    built.configure("[fetch]\nretries = 0")
    origin.inject("*hello_1.0.dsc", Status(500))

    result = sources(built)

    assert result.returncode == 4
    assert "hello_1.0.dsc: no mirror could deliver" in result.stdout


def test_what_the_disk_has_damaged_is_fetched_anew_before_it_goes_into_the_folder(
    built: Aptfreeze, repository: Repository, out: Path
) -> None:
    sources(built).ok()
    (digest,) = (d for name, d in repository.sources["hello"].sha256.items() if name.endswith(".tar.xz"))
    rot(built.archive, digest, 100)

    sources(built, "--out", out).ok()

    assert (out / "hello_1.0/hello_1.0.tar.xz").read_bytes() == repository.sources["hello"].build()["hello_1.0.tar.xz"]


def test_a_folder_of_ours_is_replaced_and_no_other(built: Aptfreeze, out: Path, tmp_path: Path) -> None:
    sources(built, "--out", out).ok()
    (out / "stray").write_text("")
    sources(built, "--out", out).ok()
    assert not (out / "stray").exists()

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter").write_text("dear")
    refused = sources(built, "--out", tmp_path / "mine").fails(2)
    assert "no folder that aptfreeze sources has made: it holds 'letter'" in refused.stderr
    assert (tmp_path / "mine/letter").read_text() == "dear"


def test_an_image_that_is_cut_off_is_an_error(
    built: Aptfreeze, repository: Repository, tmp_path: Path, out: Path
) -> None:
    tar = packed(rootfs(tmp_path / "image", installed(repository.binary("hello"))))
    tar.write_bytes(tar.read_bytes()[:2600])

    result = sources(built, "--rootfs", tar, "--out", out).fails(3)

    assert f"{tar} cannot be read" in result.stderr
    assert not out.exists()


def test_ctrl_c_leaves_nothing_half_done(built: Aptfreeze, origin: Origin, out: Path) -> None:
    origin.inject("*.tar.xz", stall := Stall())
    line = built.line("sources", "--archive", str(built.archive), "--out", str(out))

    with Terminal(line, env=built.environ, cwd=built.environment) as terminal:
        assert stall.reached.wait(30)
        terminal.wait_for("of 8 files")
        terminal.press(b"\x03")
        assert terminal.ended() == 130

    assert list(out.parent.iterdir()) == []
    stall.release()
    sources(built, "--out", out).ok()
