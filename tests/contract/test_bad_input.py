# SPDX-License-Identifier: MIT
"""Bad input to the command: told in words with a hint, by the documented status, and nothing is lost by it.

Every story begins with an environment that was good, and ends with every file of it as it was.
"""

import os
import socket
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.aptfreeze import Aptfreeze
from support.process import Result

GOOD_PIN = f'"mirror.example.org/debian bookworm" = {{ inrelease = "sha256:{"a" * 64}", signers = [] }}'
HEAD = 'version = 1\ngeneration = "4f1c9a0e2b7d4e5f8a6b3c2d1e0f9a8b"\ncreated = 2026-11-24T07:00:00Z\n'
MUTEX = ".aptfreeze/mutex"
"""Says who holds it, or did last; nothing else reads it."""
VERBS = (["init"], ["status"], ["packages"], ["run", "--", "true"], ["serve", "--listen", "127.0.0.1:0"])


@pytest.fixture
def product(tmp_path: Path) -> Aptfreeze:
    """An environment with a lock file, a configuration and some state."""
    product = Aptfreeze(tmp_path / "product")
    product.configure("[fetch]\nretries = 1")
    assert product.command("init").returncode == 0
    return product


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below the folder; what is no regular file by its kind."""
    found = {}
    for path in sorted(set(folder.rglob("*")) - {folder / MUTEX}):
        mode = path.lstat().st_mode
        found[str(path.relative_to(folder))] = (
            path.read_bytes() if stat.S_ISREG(mode) else oct(stat.S_IFMT(mode)).encode()
        )
    return found


def refused(
    product: Aptfreeze, arguments: list[str], *words: str, status: int = 0, env: Mapping[str, str] | None = None
) -> Result:
    """The command fails in words, by the status of its verb (or by `status`), and changes no file."""
    before = tree(product.environment)
    verb, *more = arguments

    result = product.command(verb, *more, env=env)

    assert result.returncode == (status or (125 if verb == "run" else 2)), result
    assert "Traceback" not in result.output, result
    assert result.stdout == "", result
    lines = result.stderr.splitlines()
    assert all(line.startswith("aptfreeze: ") for line in lines), result
    assert any(line.startswith("aptfreeze: Hint: ") for line in lines), result
    for word in words:
        assert word in result.stderr, result
    assert tree(product.environment) == before, result
    return result


# --- the lock file ---------------------------------------------------------------------------------------------------

CONFLICT = f"{HEAD}[pins]\n<<<<<<< HEAD\n{GOOD_PIN}\n=======\n{GOOD_PIN.replace('a' * 64, 'b' * 64)}\n>>>>>>> theirs\n"
LOCKS = {
    "empty": (b"", "version: expected 1, found nothing"),
    "of a newer version": (HEAD.replace("1", "2", 1).encode(), "has format version 2"),
    "with a version that is no number": (HEAD.replace("1", '"one"', 1).encode(), "version: expected 1"),
    "with an unknown key": (f"{HEAD}frozen = true\n".encode(), "unknown key 'frozen'"),
    "with an unknown key of a pin": (f"{HEAD}[pins]\n{GOOD_PIN[:-1]}, x = 1 }}\n".encode(), "x'"),
    "with an id that is none": (HEAD.replace("4f1c", "4F1C").encode(), "32 lower-case hex digits"),
    "with a time that is none": (HEAD.replace("2026-11-24T07:00:00Z", "1").encode(), "created: expected a time"),
    "with pins that are no table": (f"{HEAD}pins = []\n".encode(), "pins: expected a table"),
    "with a digest that is none": (
        f"{HEAD}[pins]\n{GOOD_PIN.replace('a' * 64, 'abc')}\n".encode(),
        "64 lower-case hex",
    ),
    "with a path that leads out": (
        f"{HEAD}[pins]\n{GOOD_PIN.replace('debian', '../debian')}\n".encode(),
        '"host/path suite"',
    ),
    "with conflict markers": (CONFLICT.encode(), "unfinished git merge: line 5"),
    "cut in the middle": (f"{HEAD}[pins]\n{GOOD_PIN[:40]}".encode(), "is not valid TOML"),
    "that is not UTF-8": (HEAD.encode() + b"# caf\xe9\n", "is not UTF-8: line 4"),
    "of zeros": (bytes(4096), "is not valid TOML"),
    "of brackets": (b"a = " + b"[" * 50_000, "too deeply nested"),
}


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
@pytest.mark.parametrize("name", ["of a newer version", "with conflict markers", "that is not UTF-8"])
def test_every_verb_refuses_a_bad_lock_file(product: Aptfreeze, name: str, verb: list[str]) -> None:
    data, told = LOCKS[name]
    product.lock_file.write_bytes(data)

    refused(product, verb, str(product.lock_file), told)


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file(product: Aptfreeze, name: str) -> None:
    data, told = LOCKS[name]
    product.lock_file.write_bytes(data)

    refused(product, ["run", "--", "true"], str(product.lock_file), told)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
@pytest.mark.parametrize("name", ["aptfreeze.lock", "aptfreeze.toml"])
def test_a_folder_in_the_place_of_a_file(product: Aptfreeze, name: str, verb: list[str]) -> None:
    file = product.environment / name
    file.unlink()
    file.mkdir()

    refused(product, verb, f"cannot read {file}", "Is a directory")


@pytest.mark.parametrize("name", ["aptfreeze.lock", "aptfreeze.toml"])
def test_a_link_that_leads_to_itself(product: Aptfreeze, name: str) -> None:
    file = product.environment / name
    file.unlink()
    file.symlink_to(file.name)

    refused(product, ["run", "--", "true"], f"cannot read {file}", "symbolic link")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
@pytest.mark.parametrize("name", ["aptfreeze.lock", "aptfreeze.toml"])
def test_a_file_that_this_user_may_not_read(product: Aptfreeze, name: str) -> None:
    file = product.environment / name
    before = file.read_bytes()
    file.chmod(0)

    result = product.command("status")

    assert (result.returncode, f"cannot read {file}: Permission denied" in result.stderr) == (2, True), result
    file.chmod(0o644)
    assert file.read_bytes() == before


def test_one_suite_under_two_names(product: Aptfreeze) -> None:
    stable = GOOD_PIN.replace("signers", 'codename = "bookworm", signers').replace(" bookworm", " stable", 1)
    product.lock_file.write_text(f"{HEAD}[pins]\n{GOOD_PIN}\n{stable}\n")

    refused(product, ["run", "--", "true"], "are one suite under two names", "remove one of the two lines")


def test_a_lock_file_that_was_changed_must_not_be_written_when_locked(product: Aptfreeze) -> None:
    product.lock_file.write_text(f"{HEAD}[pins]\n{GOOD_PIN}\n")
    assert product.command("status").returncode == 0
    product.lock_file.write_text(HEAD)

    refused(product, ["run", "--locked", "--", "true"], "needs a new generation id", "--locked forbids")


# --- the configuration -----------------------------------------------------------------------------------------------

CONFIGURATIONS = {
    "with an unknown key": ("[fetch]\nretrys = 1\n", "unknown key 'fetch.retrys'", "did you mean 'fetch.retries'?"),
    "with an unknown table": ("[feetch]\nretries = 1\n", "unknown key 'feetch'"),
    "of a newer version": ("version = 2\n", "unknown key 'version'"),
    "with a wrong type": ('[fetch]\nretries = "many"\n', "fetch.retries: expected a whole number", "'many'"),
    "with a number too large": ("[fetch]\nretries = 1000\n", "fetch.retries: expected a whole number from 0 to 20"),
    "with a key that should be a table": ("fetch = 1\n", "fetch: expected a table [fetch]"),
    "with a flag's setting": ("locked = true\n", "'locked' belongs to one run", "--locked"),
    "with a mirror of another scheme": ('[mirrors]\n"a.example.org/x" = ["ftp://b.example.org"]\n', "http:// URLs"),
    "with conflict markers": ("<<<<<<< HEAD\n[fetch]\n=======\n>>>>>>> theirs\n", "unfinished git merge"),
    "that is no TOML": ("[fetch\n", "is not valid TOML"),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_configuration(product: Aptfreeze, name: str) -> None:
    text, *told = CONFIGURATIONS[name]
    product.configuration.write_text(text)

    refused(product, ["run", "--", "true"], str(product.configuration), *told)
    refused(product, ["config"], *told)


def test_a_configuration_that_is_not_utf_8(product: Aptfreeze) -> None:
    product.configuration.write_bytes(b"[trust]\n# caf\xe9\n")

    refused(product, ["config"], "line 2 is not UTF-8")


@pytest.mark.parametrize("name", ["APTFREEZE_LOCKED", "APTFREEZE_OFFLINE"])
def test_a_variable_that_is_neither_yes_nor_no(product: Aptfreeze, name: str) -> None:
    refused(product, ["run", "--", "true"], f"{name}: expected true or false", "'perhaps'", env={name: "perhaps"})
    refused(product, ["status"], f"{name}: expected true or false", env={name: "perhaps"})


# --- folders ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_an_environment_that_is_not_there(product: Aptfreeze, verb: list[str]) -> None:
    refused(product, [verb[0], "--env", "missing", *verb[1:]], "missing (--env) is not a folder", "mkdir -p")
    refused(product, verb, "missing (APTFREEZE_ENV) is not a folder", env={"APTFREEZE_ENV": "missing"})


def test_an_environment_without_a_lock_file_has_no_status(product: Aptfreeze) -> None:
    product.lock_file.unlink()

    refused(product, ["status"], "has no aptfreeze.lock", "aptfreeze init")
    refused(product, ["run", "--locked", "--", "true"], "has no aptfreeze.lock", "--locked forbids to make one")
    refused(product, ["init"], "APTFREEZE_LOCKED forbids to make it", env={"APTFREEZE_LOCKED": "1"})


def test_no_run_was_recorded(product: Aptfreeze) -> None:
    refused(product, ["packages"], "no run of generation", "aptfreeze run -- COMMAND", status=3)


def test_an_archive_that_is_a_file(product: Aptfreeze, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"mine")

    for verb in (["run", "--archive", str(file), "--", "true"], ["status", "--archive", str(file)]):
        refused(product, verb, str(file), "--archive, APTFREEZE_ARCHIVE or [archive] path")
    assert file.read_bytes() == b"mine"


def test_an_archive_where_something_else_lies(product: Aptfreeze, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "photo.jpg").write_bytes(b"mine")

    refused(product, ["run", "--archive", str(folder), "--", "true"], "neither empty nor an archive", "photo.jpg")
    assert tree(folder) == {"photo.jpg": b"mine"}


def test_an_archive_that_cannot_be_made(product: Aptfreeze) -> None:
    # Nobody can make a folder there, not even root.
    refused(product, ["run", "--archive", "/proc/archive", "--", "true"], "cannot make an archive in /proc/archive")


def test_an_archive_of_another_version(product: Aptfreeze, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "version").write_text("aptfreeze archive 7\n")

    refused(product, ["status", "--archive", str(folder)], "is of another version", "use the aptfreeze that made it")


def test_a_current_folder_that_is_gone(product: Aptfreeze, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    line = f'rmdir "{gone}" && exec python -m aptfreeze status --env "{product.environment}"'

    done = subprocess.run(["sh", "-c", line], cwd=gone, env=product.environ, capture_output=True, text=True)

    assert done.returncode == 2
    assert done.stderr.startswith("aptfreeze: the current folder is gone")
    assert "Traceback" not in done.stderr


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "listen",
    [
        "",
        "3142",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:http",
        "127.0.0.1:-1",
        "127.0.0.1:65536",
        "127.0.0.1:" + "9" * 5000,
    ],
    ids=lambda listen: listen[:20],
)
def test_listen_that_is_no_address(product: Aptfreeze, listen: str) -> None:
    refused(product, ["serve", f"--listen={listen}"], "is no ADDRESS:PORT", "--listen 127.0.0.1:3142")


@pytest.mark.parametrize(
    "listen", ["0.0.0.0:3142", "[::]:3142", "192.0.2.1:80", "mirror.example.org:80", ":80", "*:80"]
)
def test_listen_that_others_can_reach(product: Aptfreeze, listen: str) -> None:
    refused(product, ["serve", "--listen", listen], "no setting says what they may have", "[policy] serve")


def test_a_port_that_another_program_has(product: Aptfreeze) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        refused(product, ["serve", "--listen", f"127.0.0.1:{port}"], f"cannot listen on 127.0.0.1:{port}", "port 0")


@pytest.mark.parametrize("pid", [0, -1, 2**22 + 1, 10**30])
def test_a_process_to_watch_that_is_not_there(product: Aptfreeze, tmp_path: Path, pid: int) -> None:
    ready = tmp_path / "ready"

    refused(
        product,
        ["serve", "--listen", "127.0.0.1:0", "--ready-file", str(ready), f"--watch-pid={pid}"],
        f"there is no process {pid}",
    )
    assert not ready.exists()


def test_a_process_to_watch_that_is_no_number(product: Aptfreeze) -> None:
    refused(product, ["serve", "--watch-pid", "init"], "invalid int value: 'init'")


def test_a_ready_file_that_cannot_be_written(product: Aptfreeze) -> None:
    refused(
        product, ["serve", "--listen", "127.0.0.1:0", "--ready-file", "missing/ready"], "cannot write", "missing/ready"
    )


@pytest.mark.parametrize("arguments", [["run"], ["run", "--"], ["run", "--locked", "--"]], ids=" ".join)
def test_run_without_a_command(product: Aptfreeze, arguments: list[str]) -> None:
    refused(product, arguments, "run needs a command", "aptfreeze run -- COMMAND")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "--lock", "--", "true"], "unrecognized arguments: --lock"),  # half a flag is no flag
        (["run", "--json"], "expected one argument"),
        (["status", "--frozen"], "unrecognized arguments: --frozen"),
        (["thaw"], "invalid choice: 'thaw'"),
        (["packages", "extra"], "unrecognized arguments: extra"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_words_that_mean_nothing(product: Aptfreeze, arguments: list[str], told: str) -> None:
    refused(product, arguments, told, "--help")


# --- COMMAND ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["no-such-program", "./no-such-program", ""])
def test_a_command_that_is_not_there(product: Aptfreeze, command: str) -> None:
    product.lock_file.unlink()  # and none is made for it

    refused(product, ["run", "--", command], command, status=127)


def test_a_command_that_cannot_be_executed(product: Aptfreeze) -> None:
    (product.environment / "notes.txt").write_text("no program\n")

    refused(product, ["run", "--", "./notes.txt"], "notes.txt cannot be executed", status=126)
    refused(product, ["run", "--", "/"], "/ cannot be executed", status=126)


def test_a_script_without_its_interpreter(product: Aptfreeze) -> None:
    script = product.environment / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)

    result = product.run([str(script)])

    assert result.returncode == 126, result
    assert "the interpreter in its first line does not exist" in result.stderr


@pytest.mark.parametrize("file", ["missing/summary.json", ".", "aptfreeze.lock/summary.json"])
def test_a_summary_that_cannot_be_written_is_told_before_command_runs(product: Aptfreeze, file: str) -> None:
    refused(product, ["run", "--json", file, "--", "touch", "it-ran"], "cannot write", file)


# --- output that nobody takes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stderr", ["/dev/full", "&-"])
def test_a_run_keeps_commands_status_when_nothing_can_be_told(product: Aptfreeze, stderr: str) -> None:
    line = f"python -m aptfreeze run --archive '{product.archive}' -- sh -c 'exit 3' 2>{stderr}"

    assert subprocess.run(["sh", "-c", line], cwd=product.environment, env=product.environ).returncode == 3


def test_a_full_disk_behind_stdout_is_told(product: Aptfreeze) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            ["python", "-m", "aptfreeze", "config"],
            cwd=product.environment,
            env=product.environ,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )

    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "aptfreeze: cannot write to stdout: No space left on device"
    assert "Traceback" not in done.stderr


def test_data_for_a_stdout_that_is_closed_are_missed(product: Aptfreeze) -> None:
    line = "python -m aptfreeze config >&-"

    done = subprocess.run(
        ["sh", "-c", line], cwd=product.environment, env=product.environ, stderr=subprocess.PIPE, text=True
    )

    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "aptfreeze: cannot write to stdout: it is closed")


def test_a_reader_that_has_seen_enough_is_no_error(product: Aptfreeze) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            ["python", "-m", "aptfreeze", "config"],
            cwd=product.environment,
            env=product.environ,
            stdout=write,
            stderr=subprocess.PIPE,
        )
    finally:
        os.close(write)

    assert (done.returncode, done.stderr) == (0, b"")


def test_data_for_a_pipe_goes_into_the_pipe(product: Aptfreeze) -> None:
    result = product.run(["true"], "--json", "/dev/stdout")

    assert result.returncode == 0, result
    assert '"command_status": 0' in result.stdout


def test_a_device_stays_a_device(product: Aptfreeze) -> None:
    assert product.run(["true"], "--json", "/dev/null").returncode == 0
    assert Path("/dev/null").is_char_device()
