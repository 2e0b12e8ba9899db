# SPDX-License-Identifier: MIT
"""What is exported, apt uses without aptfreeze and without a network."""

import http.server
import json
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from support.apt import Apt, MakeApt
from support.aptfreeze import Aptfreeze
from support.handing import build, verb
from support.isolation import needs_namespaces
from support.origin import Origin
from support.process import run
from support.repository import MakeRepository, Repository

NO_NETWORK = ["unshare", "--map-root-user", "--net"]


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    """`hello` and `libhello` with their source, and `other`, which no build asks for."""
    repository = make_repository()
    repository.add("hello", "1.0", Depends="libhello")
    repository.add("libhello", "1.0", Source="hello")
    repository.add("other", "1.0", size=300_000)
    repository.add_source("hello", "1.0")
    repository.publish()
    return repository


@pytest.fixture
def built(make_apt: MakeApt, repository: Repository, aptfreeze: Aptfreeze) -> Aptfreeze:
    apt = make_apt()
    apt.add(repository)
    return build(aptfreeze, apt)


@pytest.fixture
def exported(built: Aptfreeze, origin: Origin, tmp_path: Path) -> Path:
    """A folder; its mirror is gone."""
    verb(built, "export", str(tmp_path / "out")).ok()
    origin.stop()
    return tmp_path / "out"


@pytest.fixture
def client(make_apt: MakeApt) -> Apt:
    """Nothing of the test's key is known to it."""
    apt = make_apt()
    (apt.root / "parts").mkdir()
    apt.set("Dir::Etc::sourceparts", str(apt.root / "parts"))
    return apt


def use(apt: Apt, folder: Path, *address: str) -> None:
    """As the README says it."""
    sources = run(["sh", str(folder / "sources"), *address], env=apt.environ, cwd=apt.root).ok().stdout
    (apt.root / "parts/frozen.sources").write_text(sources)


@needs_namespaces()
def test_apt_uses_a_folder_in_a_namespace_without_any_route(
    exported: Path, client: Apt, repository: Repository
) -> None:
    use(client, exported)

    for words in (["update"], ["install", "--download-only", "hello"]):
        run([*NO_NETWORK, *client.command(*words)], env=client.environ, cwd=client.root).ok()
    client.get("download", "hello").ok()

    (found,) = client.downloads.glob("hello*.deb")
    assert found.read_bytes() == repository.file_of("hello").read_bytes()
    assert client.candidate("other") == "1.0"
    assert "File not found" in client.install("other").fails(100).output


def test_what_a_tar_archive_has_is_used_where_it_is_unpacked(
    built: Aptfreeze, client: Apt, origin: Origin, tmp_path: Path
) -> None:
    verb(built, "export", str(tmp_path / "out.tar")).ok()
    origin.stop()
    (tmp_path / "srv").mkdir()
    subprocess.run(["tar", "-xf", tmp_path / "out.tar"], cwd=tmp_path / "srv", check=True)

    check = ["sha256sum", "-c", "--quiet", "SHA256SUMS"]
    assert run(check, env=client.environ, cwd=tmp_path / "srv").ok().output == ""
    use(client, tmp_path / "srv", f"copy:{tmp_path}/srv")
    client.update().ok()
    client.install("hello").ok()
    assert len(client.fetched()) == 2


@pytest.fixture
def web_server(exported: Path) -> Iterator[str]:
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(exported))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_any_web_server_shows_it_to_other_machines(exported: Path, client: Apt, web_server: str) -> None:
    use(client, exported, web_server)

    client.update().ok()
    client.install("hello").ok()

    assert len(client.fetched()) == 2


def test_apt_refuses_it_once_somebody_has_changed_it(exported: Path, client: Apt) -> None:
    (inrelease,) = exported.rglob("InRelease")
    text = inrelease.read_bytes()
    inrelease.unlink()
    inrelease.write_bytes(text.replace(b"Codename: bookworm", b"Codename: trixie"))
    use(client, exported)

    assert "BADSIG" in client.update().fails(100).output


def test_source_packages_too(built: Aptfreeze, client: Apt, origin: Origin, tmp_path: Path) -> None:
    missing = verb(built, "export", str(tmp_path / "out"), "--sources").fails(3)
    assert missing.said_by("aptfreeze").endswith("aptfreeze: Hint: aptfreeze fetch --sources")
    assert not (tmp_path / "out").exists()

    verb(built, "fetch", "--sources").ok()
    verb(built, "export", str(tmp_path / "out"), "--sources").ok()
    origin.stop()
    use(client, tmp_path / "out")
    client.update().ok()
    client.source("hello").ok()

    assert {path.name for path in client.downloads.iterdir()} == {"hello_1.0.dsc", "hello_1.0.tar.xz"}


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
@pytest.mark.parametrize("flat", [False, True], ids=["dists", "flat"])
def test_suites_of_every_kind(
    make_repository: MakeRepository, aptfreeze: Aptfreeze, make_apt: MakeApt, client: Apt, origin: Origin,
    tmp_path: Path, flat: bool, signed: bool,
) -> None:  # fmt: skip
    """Release and Release.gpg instead of an InRelease, and nothing but a Packages."""
    repository = make_repository("vendor", flat=flat, **({"key": None} if not signed else {}))
    repository.add("hello", "1.0")
    repository.publish()
    (repository.suite_folder / "InRelease").unlink(missing_ok=True)
    if flat and not signed:
        (repository.suite_folder / "Release").unlink()
    if not signed:
        rest = aptfreeze.configuration.read_text().replace(
            "[trust]\n", f'[trust]\nunsigned = ["{key_of(repository)}"]\n'
        )
        aptfreeze.configuration.write_text(rest)
    apt = make_apt()
    apt.add(repository, **({} if signed else {"trusted": "yes"}))  # type: ignore[arg-type]  # options of sources.list
    build(aptfreeze, apt)

    verb(aptfreeze, "export", str(tmp_path / "out")).ok()
    origin.stop()
    use(client, tmp_path / "out")
    client.update().ok()
    client.install("hello").ok()
    assert ("Trusted: yes" in (tmp_path / "out/aptfreeze.sources").read_text()) == (not signed)

    other = Aptfreeze(tmp_path / "other")
    verb(other, "import", str(tmp_path / "out")).ok()
    again = make_apt()
    again.add(repository, **({} if signed else {"trusted": "yes"}))  # type: ignore[arg-type]  # options of sources.list
    build(other, again, "--locked", "--offline")


def key_of(repository: Repository) -> str:
    suite = "./" if repository.layout.flat else repository.layout.suite
    return f"{repository.url.removeprefix('http://')} {suite}"


def test_stdout_takes_the_stream_and_the_talk_goes_to_stderr(built: Aptfreeze, tmp_path: Path) -> None:
    line = built.line("export", "--archive", str(built.archive), "-")
    with (tmp_path / "out.tar").open("wb") as out:
        done = subprocess.run(
            line, env=built.environ, cwd=built.environment, stdout=out, stderr=subprocess.PIPE, text=True
        )

    assert (done.returncode, "aptfreeze: written to stdout" in done.stderr) == (0, True)
    verb(built, "export", str(tmp_path / "file.tar")).ok()
    assert (tmp_path / "out.tar").read_bytes() == (tmp_path / "file.tar").read_bytes()
    with tarfile.open(tmp_path / "out.tar") as tar:
        assert tar.getnames()[0] == "export.json"


def test_a_stdout_that_is_closed_early_is_an_error(built: Aptfreeze) -> None:
    line = built.line("export", "--archive", str(built.archive), "-")
    process = subprocess.Popen(
        line, env=built.environ, cwd=built.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    told = process.stderr.read()
    process.stderr.close()

    assert (process.wait(), told) == (2, b"aptfreeze: cannot write stdout: Broken pipe\n")


def test_what_it_tells_as_data(built: Aptfreeze, tmp_path: Path) -> None:
    found = json.loads(verb(built, "export", "--json", str(tmp_path / "out")).ok().stdout)

    assert (found["scope"], found["with_sources"], found["exit_status"]) == ("used", False, 0)
    assert found["state"].startswith("sha256:")
    assert found["files"] == len(json.loads((tmp_path / "out/export.json").read_text())["files"])
    assert verb(built, "export", "--json", "-").returncode == 2


def test_shellcheck_has_nothing_to_say(exported: Path) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    done = subprocess.run(["shellcheck", exported / "sources"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
