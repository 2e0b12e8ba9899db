# SPDX-License-Identifier: MIT
"""`run --isolate`: there is no way but the proxy, and all else is as it is without.

Each story is told of root, of a normal user with a range of ids and of one without, and of root who runs the build as a
user.
"""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.isolated import Builds, everybody, needed, root, root_for_user, user
from support.isolation import Mark
from support.machine import NAME, NUMBER
from support.origin import Origin
from support.process import run
from support.repository import Repository

pytestmark = needed

BUILD = "apt-get update && apt-get install --download-only hello"


# --- the only way ----------------------------------------------------------------------------------------------------


@everybody
def test_apt_fetches_by_the_proxy(who: Builds, repository: Repository) -> None:
    who.use(repository)

    done = who.run(["sh", "-c", BUILD], *who.isolate).ok()

    assert list(who.apt.fetched()) == ["hello_1.0_amd64.deb"]
    assert "\naptfreeze: isolated: COMMAND had no IP network but this proxy" in done.stderr
    assert [key.rpartition(" ")[2] for key in who.product.pins] == ["bookworm"]


@everybody
def test_apt_itself_has_its_own_lists_as_always(who: Builds, repository: Repository) -> None:
    who.use(repository)

    who.run(["apt-get", "update"], *who.isolate).ok()
    who.run(["apt-get", "install", "--download-only", "hello"], *who.isolate).ok()

    (fetched,) = (who.product.environment / ".aptfreeze").rglob("archives/hello_1.0_amd64.deb")
    assert fetched.stat().st_uid == who.number


@user
def test_apt_leaves_no_files_of_other_users_behind(who: Builds, repository: Repository) -> None:
    who.use(repository)
    who.apt.set("APT::Sandbox::User", "_apt")

    who.run(["sh", "-c", BUILD], *who.isolate).ok()

    assert {path.stat().st_uid for path in who.apt.root.rglob("*")} == {NUMBER}


_AROUND = """
import socket, sys
for name, port in [("192.0.2.1", 80), ("127.0.0.1", int(sys.argv[1])), ("mirror.example.org", 80)]:
    try:
        socket.create_connection((name, port))
        print("CONNECTED", name)
    except OSError as error:
        print(error.strerror)
"""


@everybody
def test_what_tries_to_get_around_fails(who: Builds, repository: Repository, origin: Origin) -> None:
    who.use(repository)
    around = [sys.executable, "-c", _AROUND, str(origin.url.rpartition(":")[2])]
    wget = ["wget", "--no-proxy", "--tries=1", "-O-", f"{repository.url}/dists/bookworm/InRelease"]
    direct = "apt-get -o Acquire::http::Proxy=DIRECT -o Acquire::Retries=0 update"

    probed = who.run(around, *who.isolate).ok().stdout.splitlines()
    assert probed[:2] == ["Network is unreachable", "Connection refused"]
    assert len(probed) == 3
    assert "CONNECTED" not in probed[2]
    assert "Connection refused" in who.run(wget, *who.isolate).fails(4).stderr
    who.run(["sh", "-c", direct], *who.isolate).fails(100)
    assert origin.count("*") == 0


@everybody
def test_a_connection_that_was_there_before_is_not_inherited(who: Builds, origin: Origin) -> None:
    host, port = origin.host.split(":")
    line = shlex.join(who.line(["sh", "-c", "echo asked >&9"], *who.isolate))
    done = run(
        ["bash", "-c", f"exec 9<>/dev/tcp/{host}/{port}; exec {line}"], env=who.environ, cwd=who.product.environment
    )

    assert "not handed to the command: descriptor 9" in done.fails(2).said_by("aptfreeze")


# --- who COMMAND is --------------------------------------------------------------------------------------------------

_SHOW = "id -u; cat /proc/self/uid_map; id -nG; echo $HOME $USER"


@root
def test_root_stays_root_in_no_user_namespace(who: Builds) -> None:
    plain, isolated = (who.run(["sh", "-c", _SHOW], *flags).ok().stdout for flags in ((), who.isolate))

    assert isolated == plain


@user
def test_a_user_with_ranges_is_root_of_a_user_namespace(who: Builds) -> None:
    told = who.run(["sh", "-c", "id -u; cat /proc/self/uid_map"], *who.isolate).ok().stdout.split()

    assert told == ["0", *("0", str(NUMBER), "1"), *("1", "200000", "65536")]


@pytest.mark.parametrize("who", ["user-without-range"], indirect=True)
def test_a_user_without_ranges_is_the_same_and_is_told_so(who: Builds) -> None:
    done = who.run(["sh", "-c", "id -u; cat /proc/self/uid_map"], *who.isolate).ok()

    assert done.stdout.split() == [str(NUMBER), *(str(NUMBER), str(NUMBER), "1")]
    assert f"/etc/subuid and /etc/subgid have none for {NAME}" in done.said_by("aptfreeze")


@root_for_user
def test_root_for_a_user_is_that_user_with_all_groups_and_so_is_all_that_is_written(
    who: Builds, repository: Repository
) -> None:
    who.use(repository)

    shown = who.run(["sh", "-c", _SHOW], *who.isolate).ok().stdout.splitlines()
    who.run(["sh", "-c", BUILD], *who.isolate).ok()

    assert shown[0] == str(NUMBER)
    assert shown[-2:] == [f"{NAME} {NAME}s", f"{who.machine.folder} {NAME}"]
    written = [who.product.lock_file, *who.product.archive.rglob("*"), *who.product.environment.rglob("*")]
    assert {path.stat().st_uid for path in written} == {NUMBER}


@root_for_user
def test_folders_that_only_root_can_write_are_not_the_user_s(who: Builds, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    environ = who.environ | {
        "XDG_CONFIG_HOME": f"{tmp_path}/config",
        "TMPDIR": str(tmp_path),
        "XDG_CACHE_HOME": f"{who.machine.folder}/cache",
    }
    line = who.line(["sh", "-c", "echo ${XDG_CONFIG_HOME-none} ${TMPDIR-none} $XDG_CACHE_HOME"], *who.isolate)

    done = run(line, env=environ, cwd=who.product.environment).ok()

    assert done.stdout.split() == ["none", "none", f"{who.machine.folder}/cache"]


@root_for_user
def test_without_a_name_it_is_who_called_sudo(who: Builds) -> None:
    line = who.line(["id", "-u"], "--isolate", "--user")
    environ = who.environ | {"SUDO_UID": str(NUMBER)}

    assert run(line, env=environ, cwd=who.product.environment).ok().stdout.split() == [str(NUMBER)]
    refused = run(line, env=who.environ, cwd=who.product.environment).fails(125)
    assert "SUDO_UID is not set" in refused.stderr


@user
def test_a_user_cannot_be_another_one(who: Builds) -> None:
    assert "only root can run a command as root" in who.run(["true"], "--isolate", "--user", "root").fails(125).stderr


@root
def test_a_user_without_isolation_is_refused(who: Builds) -> None:
    assert "--user goes with --isolate only" in who.run(["true"], "--user", NAME).fails(125).stderr


# --- the proof -------------------------------------------------------------------------------------------------------


@everybody
def test_locked_and_offline_it_is_a_proof_and_the_summary_says_so(
    who: Builds, repository: Repository, origin: Origin
) -> None:
    who.use(repository)
    build = ["sh", "-c", BUILD]

    first = who.summary_of(build, *who.isolate)
    origin.stop()
    open_ = who.summary_of(build, "--locked", "--offline")
    proof = who.summary_of(build, "--locked", "--offline", *who.isolate)

    assert [(each["isolated"], each["proved"]) for each in (first, open_, proof)] == [
        (True, False),
        (False, False),
        (True, True),
    ]
    assert {each["exit_status"] for each in (first, open_, proof)} == {0}


@root
def test_a_run_that_does_not_count_proves_nothing(who: Builds, repository: Repository) -> None:
    who.use(repository)
    who.product.configuration.write_text(who.product.configuration.read_text() + '[policy]\npassthrough = "deny"\n')
    who.run(["sh", "-c", BUILD], *who.isolate).ok()
    build = f"{BUILD}; wget -q --tries=1 -O- http://www.example.org/; true"

    told = who.summary_of(["sh", "-c", build], *who.isolate, "--locked", "--offline")

    assert told["exit_status"] == 125
    assert (told["isolated"], told["proved"]) == (True, False)


@root
def test_a_command_that_failed_proves_nothing(who: Builds) -> None:
    who.product.command("init").ok()
    done, told = (who.summary_of(["sh", "-c", f"exit {n}"], *who.isolate, "--locked", "--offline") for n in (0, 3))

    assert (done["proved"], done["exit_status"]) == (True, 0)
    assert (told["proved"], told["exit_status"]) == (False, 3)


@root
def test_a_build_that_fetches_nothing_is_no_bypass(who: Builds) -> None:
    assert "not one request" not in who.run(["true"], *who.isolate).ok().stderr


# --- ends ------------------------------------------------------------------------------------------------------------


@everybody
@pytest.mark.parametrize(
    ("command", "status"),
    [("exit 7", 7), ("kill -TERM $$", 128 + signal.SIGTERM), ("exec /etc/passwd", 126), ("exec no-such-program", 127)],
)
def test_the_status_is_the_command_s(who: Builds, command: str, status: int) -> None:
    assert who.run(["sh", "-c", command], *who.isolate).returncode == status


@root
def test_a_command_that_cannot_be_started(who: Builds) -> None:
    assert "not found in PATH" in who.run(["no-such-program"], *who.isolate).fails(127).stderr
    assert "cannot be executed" in who.run(["/etc/passwd"], *who.isolate).fails(126).stderr


@everybody
def test_kill_9_leaves_no_process_and_no_namespace(who: Builds) -> None:
    text, mark = "setsid sleep 1000 & sleep 1000 & echo ready; wait", Mark()
    line = who.line(["sh", "-c", text], *who.isolate)
    with subprocess.Popen(
        line, env=who.environ | mark.variables, cwd=who.product.environment, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stdout.readline() == "ready\n"

        process.kill()
        process.wait()

        mark.wait_until_gone()


@everybody
def test_kill_9_of_the_keeper_takes_the_command_with_it(who: Builds) -> None:
    """Whoever it belongs to: a change of ids would take back what the kernel was asked for before."""
    mark = Mark()
    line = who.line(["sh", "-c", "echo $PPID; exec sleep 1000"], *who.isolate)
    with subprocess.Popen(
        line, env=who.environ | mark.variables, cwd=who.product.environment, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stderr
        os.kill(int(process.stdout.readline()), signal.SIGKILL)

        mark.wait_until_gone()
        assert process.wait() == 125
        assert "the process that keeps the namespace of --isolate is gone" in process.stderr.read()


# --- where it is forbidden -------------------------------------------------------------------------------------------


@root
def test_root_without_the_right_to_is_told_before_anything_is_written(who: Builds) -> None:
    line = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", *who.product.line("run", "--isolate")]
    done = run([*line, "--", "echo", "started"], env=who.environ, cwd=who.product.environment).fails(125)

    assert done.stdout == ""
    assert done.stderr.startswith(
        "aptfreeze: --isolate needs a network namespace, and the kernel gives none: Operation not permitted\n"
    )
    assert "CAP_SYS_ADMIN" in done.stderr
    assert not who.product.lock_file.exists()


@user
def test_a_user_in_a_chroot_gets_no_user_namespace_and_is_told(who: Builds) -> None:
    who.machine.give()
    inner = f"cd {shlex.quote(str(who.product.environment))} && exec " + shlex.join(
        who.product.line("run", "--isolate", "--", "echo", "started")
    )
    line = who.machine.line(["sh", "-c", inner], chrooted=True)
    done = run(line, env=who.environ, cwd=Path("/")).fails(125)

    assert done.stdout == ""
    assert "--isolate needs a user and network namespace, and the kernel gives none: Operation not" in done.stderr
    assert "or a chroot; or let root make it: " in done.stderr
