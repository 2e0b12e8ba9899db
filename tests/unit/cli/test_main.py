# SPDX-License-Identifier: MIT
"""The command line as its users read it: help, data, and what a bug looks like.

What it says of a user's mistakes is in tests/contract/test_bad_input.py.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aptfreeze import __version__
from aptfreeze.cli.main import main
from aptfreeze.trust.armor import dearmored
from support.aptfreeze import Aptfreeze
from support.archive import rot
from support.describing import image_of, status
from support.fetching import fetching, lists
from support.repository import Repository

VERBS = (
    *("run", "serve", "init", "update", "rollback", "reset", "log", "diff", "merge", "fetch", "pin", "fsck", "gc"),
    "stats",
    *("packages", "verify", "sbom", "sources", "export", "import"),
    *("status", "which", "config", "doctor", "key", "ca"),
)


def help_of(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("words", [(), *((verb,) for verb in VERBS)], ids=" ".join)
def test_help_fits_a_terminal_and_shows_an_example(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    told = help_of(capsys, *words)

    assert told.startswith(f"usage: {' '.join(['aptfreeze', *words])} ")
    assert all(len(line) <= 82 for line in told.splitlines()), told
    assert re.search(r"^  (\w+=\w+ )?aptfreeze ", told, re.MULTILINE), told


def test_every_verb_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    told = help_of(capsys)

    assert re.findall(r"^    (\w+) ", told, re.MULTILINE) == list(VERBS)


@pytest.mark.parametrize(
    "program", [[sys.executable, "-m", "aptfreeze"], [str(Path(sys.executable).parent / "aptfreeze")]]
)
def test_both_ways_to_start_it(program: list[str]) -> None:
    done = subprocess.run([*program, "--version"], capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, f"aptfreeze {__version__}\n")


@pytest.fixture
def served(aptfreeze: Aptfreeze) -> Aptfreeze:
    """An environment with one run."""
    aptfreeze.run(["true"]).ok()
    return aptfreeze


def data(product: Aptfreeze, verb: str, *flags: str) -> Any:
    result = product.command(verb, "--archive", str(product.archive), "--json", *flags).ok()
    assert result.stderr == ""
    return json.loads(result.stdout)


def test_status_as_data(served: Aptfreeze) -> None:
    found = data(served, "status")

    assert found["generation"] == served.lock["generation"]
    assert (found["sessions"], found["suites"]) == (1, [])


def test_packages_as_data(served: Aptfreeze) -> None:
    found, lock = data(served, "packages"), served.lock
    assert (found["generation"], found["packages"]) == (lock["generation"], [])


def test_an_image_as_data(aptfreeze: Aptfreeze, repository: Repository, tmp_path: Path) -> None:
    aptfreeze.run(fetching(*lists(repository))).ok()
    image = str(image_of(tmp_path, status("hello", repository.binary("hello").version), status("other")))

    verdict = aptfreeze.command("verify", image, "--archive", str(aptfreeze.archive), "--json").fails(3)

    found = json.loads(verdict.stdout)
    assert [each["name"] for each in found["strangers"]] == ["other"]
    assert keys(found) <= documented("verify --json")
    assert keys(data(aptfreeze, "packages", "--rootfs", image)) <= documented("packages --json")


def test_config_as_data(served: Aptfreeze) -> None:
    found = data(served, "config")

    assert found["archive.path"] | {"help": ""} == {
        "value": str(served.archive),
        "origin": "--archive",
        "flag": "--archive",
        "variable": "APTFREEZE_ARCHIVE",
        "help": "",
    }


def keys(found: Any) -> set[str]:
    """Every key of an object, and of the objects in it."""
    values = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    return set(found if isinstance(found, dict) else ()).union(*map(keys, values))


def documented(heading: str) -> set[str]:
    text = (Path(__file__).parents[3] / "docs/reference/records-and-json.md").read_text()
    section = text.split(f"## `{heading}`\n", 1)[1].split("\n## ")[0]
    return set(re.findall(r"`(\w+)`", section + text.split("A holding has", 1)[1].split("\n\n")[0]))


def test_every_key_of_the_data_is_documented(aptfreeze: Aptfreeze, repository: Repository) -> None:
    package = f"{repository.url}/{repository.binary('hello').path}"
    summary = aptfreeze.summary_of(fetching(*lists(repository), package))
    told, packages = data(aptfreeze, "status"), data(aptfreeze, "packages")
    assert summary["suites"]
    assert told["suites"]
    assert packages["packages"]

    assert keys(summary) <= documented("run --json FILE")
    assert keys(told) <= documented("status --json")
    assert keys(packages) <= documented("packages --json")
    assert keys(data(aptfreeze, "status", "--check")) <= documented("status --json")
    shutil.rmtree(aptfreeze.archive)
    lost = json.loads(aptfreeze.command("fetch", "--archive", str(aptfreeze.archive), "--offline", "--json").stdout)
    assert lost["missing"]
    assert keys(lost) <= documented("fetch --json")
    aptfreeze.command("fetch", "--archive", str(aptfreeze.archive)).ok()
    rot(aptfreeze.archive, repository.binary("hello").sha256, 5)
    damaged = json.loads(aptfreeze.command("fsck", "--archive", str(aptfreeze.archive), "--json").fails(3).stdout)
    assert damaged["bad"][0]["needed_by"]
    assert keys(damaged) <= documented("fsck --json")
    assert keys(list(data(aptfreeze, "stats").values())) <= documented("stats --json")
    found = data(aptfreeze, "which", "hello")
    assert found["places"][0]["sessions"]
    assert keys(found) <= documented("which --json")
    repository.add("hello", "2.0")
    repository.publish()
    assert keys(data(aptfreeze, "update", "--changelog")) <= documented("update --json")
    assert keys(data(aptfreeze, "init")) <= documented("init --json")
    assert keys(data(aptfreeze, "log")) <= documented("log --json")
    assert keys(data(aptfreeze, "reset")) <= documented("rollback --json`, `reset --json")
    assert keys(list(data(aptfreeze, "config").values())) <= documented("config --json")
    assert keys(data(aptfreeze, "doctor")) <= documented("doctor --json")
    aptfreeze.resign()
    assert keys(data(aptfreeze, "key")) <= documented("key --json")


@pytest.mark.parametrize("verb", ["status", "packages", "config"])
def test_text_goes_to_stdout_and_nothing_to_stderr(served: Aptfreeze, verb: str) -> None:
    result = served.command(verb, "--archive", str(served.archive)).ok()

    assert result.stderr == ""
    assert bool(result.stdout) == (verb != "packages")  # no package was served: no line, not an empty one


def test_a_key_is_data_and_what_to_do_with_it_is_talk(aptfreeze: Aptfreeze) -> None:
    public = aptfreeze.resign()
    result = aptfreeze.command("key").ok()

    assert dearmored(result.stdout.encode(), "PUBLIC KEY BLOCK") == public.read_bytes()
    assert "Signed-By: /etc/apt/keyrings/aptfreeze.asc" in result.said_by("aptfreeze")
    binary = subprocess.run(aptfreeze.line("key", "--format", "binary"), cwd=aptfreeze.environment, capture_output=True)
    assert binary.stdout == public.read_bytes()


def test_a_folder_whose_name_is_no_text_can_be_printed(aptfreeze: Aptfreeze) -> None:
    folder = aptfreeze.root / "caf\udce9"
    folder.mkdir()

    assert "caf\\udce9" in aptfreeze.command("config", "--env", str(folder)).ok().stdout


@pytest.mark.parametrize(("verb", "status"), [("config", 1), ("run", 125)])
def test_a_bug_is_told_as_one(capsys: pytest.CaptureFixture[str], verb: str, status: int) -> None:
    words: list[Any] = [verb, 3]  # a word that is no text cannot come from a shell

    assert main(words) == status

    told = capsys.readouterr().err.splitlines()
    assert told[0] == "aptfreeze: Traceback (most recent call last):"
    assert told[-1].startswith(f"aptfreeze: this is a bug in aptfreeze {__version__}")
