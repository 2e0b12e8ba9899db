# SPDX-License-Identifier: MIT
"""What is seen in COMMAND."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from aptfreeze.launch.finding import Finding, Level
from aptfreeze.launch.lookcommand import look_at_command, look_at_script


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder for PATH that has what the tests name, as programs that are no scripts."""
    for name in ("sudo", "apt-get", "mmdebstrap", "debootstrap", "docker", "chroot", "bitbake", "make"):
        program = tmp_path / name
        program.write_bytes(b"\x7fELF")
        program.chmod(0o755)
    return tmp_path


def looked(programs: Path, command: Sequence[str], *, resigns: bool = False) -> list[Finding]:
    return list(look_at_command(command, {"PATH": str(programs)}, resigns=resigns))


@pytest.mark.parametrize(
    ("command", "level", "said"),
    [
        (["nothing-there"], Level.PROBLEM, "not found in PATH"),
        (["sudo", "mmdebstrap", "x"], Level.PROBLEM, "mmdebstrap gets no frozen packages"),
        (["apt-get", "-o", "Acquire::http::Proxy=http://x", "update"], Level.PROBLEM, "sets a proxy"),
        (["apt-get", "update"], Level.OK, "of its own"),
        (["mmdebstrap", "x"], Level.OK, "goes by http_proxy"),
        (["debootstrap", "x"], Level.OK, "goes by http_proxy"),
        (["docker", "build", "."], Level.WARNING, "leaves this machine's environment"),
        (["chroot", "root", "apt-get", "update"], Level.WARNING, "works in another root"),
        (["bitbake", "image"], Level.WARNING, "by sudo"),
        (["apt-get", "-oAcquire::https::CAInfo=/x.pem", "update"], Level.WARNING, "has not aptfreeze's authority"),
        (["debootstrap", "bookworm", "root", "https://mirror.example.org/debian"], Level.WARNING, "in a tunnel"),
    ],
)
def test_words_tell_what_will_happen(programs: Path, command: list[str], level: Level, said: str) -> None:
    found = looked(programs, command)
    assert [each.level for each in found if said in each.what] == [level]
    assert all(each.fix for each in found if each.level in (Level.PROBLEM, Level.WARNING))


def test_a_wrapper_that_is_passed_by_is_told(programs: Path) -> None:
    found = looked(programs, [str(programs / "mmdebstrap"), "x"])
    (warning,) = [each for each in found if each.level is Level.WARNING]
    assert f"with {programs} in PATH" in warning.fix


def test_a_key_of_a_source_matters_only_where_suites_are_signed_anew(programs: Path) -> None:
    command = ["mmdebstrap", "bookworm", "x", "deb [signed-by=/k] http://mirror.example.org/debian bookworm main"]
    assert [each.level for each in looked(programs, command, resigns=True)].count(Level.PROBLEM) == 1
    assert Level.PROBLEM not in [each.level for each in looked(programs, command)]


def test_what_is_unremarkable_is_only_found(programs: Path) -> None:
    assert looked(programs, ["make"]) == [Finding(Level.OK, f"COMMAND is {programs / 'make'}")]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sudo mmdebstrap x", "drop http_proxy"),
        ("a; /usr/bin/env -i apt-get update", "sets or drops"),
        ("x && doas apt-get update", "drop http_proxy"),
        ("unset http_proxy", "sets or drops"),
        ("export NO_PROXY=*", "sets or drops"),
        ("apt-get -o Acquire::http::Proxy=DIRECT update", "names a proxy"),
        ("wget --no-proxy x", "names a proxy"),
        ("curl -O https://www.example.org/tool.tar.gz", "in a tunnel"),
        ("apt-get -o Acquire::https::mirror.example.org::CAInfo=x update", "names whom apt trusts"),
        ("(docker run x)", "another root, container or machine"),
    ],
)
def test_words_of_a_script_are_told_with_their_line(tmp_path: Path, line: str, said: str) -> None:
    script = tmp_path / "build.sh"
    script.write_text(f"#!/bin/sh\n# sudo docker --no-proxy unset http_proxy\n{line}\n")
    (found,) = look_at_script(script)
    assert found.level is Level.WARNING
    assert found.what.startswith(f"{script}, line 3: ")
    assert said in found.what


def test_many_lines_of_a_kind_are_one_finding(tmp_path: Path) -> None:
    script = tmp_path / "build.sh"
    script.write_text("#!/bin/sh\n" + "sudo x\n" * 9)
    (found,) = look_at_script(script)
    assert "line 2, 3, 4, 5, 6, ...: " in found.what


@pytest.mark.parametrize("text", ["sudo x\n", "#!/bin/sh\npseudo x\nresudo\n", "#!/bin/sh\necho $APTFREEZE_PROXY\n"])
def test_other_files_and_words_are_no_finding(tmp_path: Path, text: str) -> None:
    script = tmp_path / "build.sh"
    script.write_text(text)
    assert list(look_at_script(script)) == []


def test_scripts_of_the_system_and_files_that_cannot_be_read_are_passed_over(tmp_path: Path) -> None:
    assert list(look_at_script(tmp_path / "none")) == []
    assert list(look_at_script(Path("/usr/bin/ldd"))) == []
