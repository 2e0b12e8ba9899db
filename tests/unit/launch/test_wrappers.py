# SPDX-License-Identifier: MIT
"""The wrappers around mmdebstrap and debootstrap, here with a stand-in that shows and runs what it is given."""

import os
import subprocess
from pathlib import Path

import pytest

from aptfreeze.launch.wrappers import write_wrappers
from aptfreeze.trust.armor import dearmored
from aptfreeze.trust.signing import SigningKey

_STAND_IN = """\
#!/bin/sh
printf '%s\\n' "$@" > "$SHOWN"
for word; do
    case "$word" in
        --setup-hook=*)
            sh -c "${word#*=}" exec "$ROOT" || exit 9
            ls "$ROOT/etc/apt/apt.conf.d" > "$ROOT/seen"
            if [ -e "$ROOT/etc/apt/aptfreeze.d" ]; then cp -r "$ROOT/etc/apt/aptfreeze.d" "$ROOT/keys"; fi ;;
        --extract-hook=*)
            touch -d @1000000000.5 "$ROOT/etc/apt/apt.conf.d" "$ROOT/etc/apt"
            sh -c "${word#*=}" exec "$ROOT" || exit 9 ;;
    esac
done
"""


class Tools:
    """A PATH with a stand-in for mmdebstrap, wrapped, and the root that it builds."""

    def __init__(self, root: Path, certificate: bytes = b"") -> None:
        self.folder = root / "it's the real one"
        self.folder.mkdir()
        self.root = root / "the root"
        (self.root / "etc/apt/apt.conf.d").mkdir(parents=True)
        self.shown = root / "shown"
        for name in ("mmdebstrap", "debootstrap"):
            (self.folder / name).write_text(_STAND_IN)
            (self.folder / name).chmod(0o755)
        path = f"{self.folder}:{os.environ['PATH']}"
        self.path, self.notices = write_wrappers(root / "session/bin", path, certificate)

    def run(self, *arguments: str, tool: str = "mmdebstrap", **more: str) -> list[str]:
        """The arguments that the real one got."""
        environ = {"PATH": self.path, "SHOWN": str(self.shown), "ROOT": str(self.root), **more}
        command = ["sh", "-c", f'{tool} "$@"', "sh", *arguments]
        assert subprocess.run(command, env=environ, timeout=20).returncode == 0
        return self.shown.read_text().splitlines()


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    return Tools(tmp_path)


def test_the_hooks_come_before_the_user_s_arguments(tools: Tools) -> None:
    given = tools.run("--variant=apt", "bookworm", "a b.tar")
    assert [word.partition("=")[0] for word in given] == [
        *("--setup-hook", "--extract-hook", "--variant"),
        *("bookworm", "a b.tar"),
    ]
    assert tools.notices == ()


def test_the_setup_hook_writes_and_the_extract_hook_leaves_no_trace(tools: Tools) -> None:
    tools.run("bookworm")
    folder = tools.root / "etc/apt/apt.conf.d"
    assert (tools.root / "seen").read_text() == "00aptfreeze\n"
    assert list(folder.iterdir()) == []
    assert folder.stat().st_mtime_ns == 1_000_000_000_500_000_000


def test_what_the_setup_hook_writes_is_read_by_apt(tools: Tools) -> None:
    hook = next(word for word in tools.run("bookworm") if word.startswith("--setup-hook="))
    subprocess.run(["sh", "-c", hook.partition("=")[2], "exec", tools.root], check=True, timeout=20)
    written = tools.root / "etc/apt/apt.conf.d/00aptfreeze"
    dump = subprocess.run(
        ["apt-config", "dump"], env=os.environ | {"APT_CONFIG": str(written)}, capture_output=True, text=True
    ).stdout
    assert 'Acquire::Check-Valid-Until "false";' in dump
    assert 'APT::Update::Error-Mode "any";' in dump


def test_a_root_without_our_file_is_left_alone(tools: Tools) -> None:
    hook = next(word for word in tools.run("bookworm") if word.startswith("--extract-hook="))
    subprocess.run(["sh", "-c", hook.partition("=")[2], "exec", tools.root / "empty"], check=True, timeout=20)


@pytest.mark.parametrize("first", ["--hook-helper", "--hook-listener", "--unshare-helper"])
def test_mmdebstrap_s_helpers_get_their_words_unchanged(tools: Tools, first: str) -> None:
    assert tools.run(first, "x") == [first, "x"]


def test_a_path_without_mmdebstrap_stays_as_it_is(tmp_path: Path) -> None:
    assert write_wrappers(tmp_path / "bin", str(tmp_path)) == (str(tmp_path), ())
    assert not (tmp_path / "bin").exists()


# --- where suites are signed by the environment's key ---


CERTIFICATE = SigningKey.generate("it's ours", bytes(range(32))).certificate


@pytest.fixture
def signing(tmp_path: Path) -> Tools:
    return Tools(tmp_path, CERTIFICATE)


def test_our_key_is_added_to_those_that_mmdebstrap_gives_its_apt(signing: Tools, tmp_path: Path) -> None:
    trusted = tmp_path / "trusted keys"
    trusted.mkdir()
    for name in ("a.gpg", "b.asc", "empty.gpg", "c.txt"):
        (trusted / name).write_text("" if name == "empty.gpg" else name)
    configuration = tmp_path / "mmdebstrap.conf"
    configuration.write_text(f'Dir "{signing.root}"; Dir::Etc::TrustedParts "{trusted}";')

    signing.run("bookworm", MMDEBSTRAP_APT_CONFIG=str(configuration))

    keys = {path.name: path.read_bytes() for path in (signing.root / "keys").iterdir()}
    assert keys.keys() == {"a.gpg", "b.asc", "aptfreeze.asc"}
    assert dearmored(keys["aptfreeze.asc"], "PUBLIC KEY BLOCK") == CERTIFICATE


def test_apt_looks_for_keys_where_they_are(signing: Tools) -> None:
    given = signing.run("bookworm")
    assert 'Dir::Etc::TrustedParts "aptfreeze.d";' in "".join(given)
    assert "--skip=check/signed-by" in given


def test_the_keys_leave_no_trace_either(signing: Tools) -> None:
    signing.run("bookworm")
    assert [path.name for path in (signing.root / "etc/apt").iterdir()] == ["apt.conf.d"]
    assert (signing.root / "etc/apt").stat().st_mtime_ns == 1_000_000_000_500_000_000


def test_debootstrap_gets_it_as_its_keyring_before_the_user_s(signing: Tools) -> None:
    keyring, *rest = signing.run("--keyring=mine.gpg", "bookworm", tool="debootstrap")
    assert rest == ["--keyring=mine.gpg", "bookworm"]
    assert Path(keyring.removeprefix("--keyring=")).read_bytes() == CERTIFICATE


def test_without_a_key_debootstrap_is_left_alone(tools: Tools) -> None:
    assert tools.run("bookworm", tool="debootstrap") == ["bookworm"]
    assert "--skip=check/signed-by" not in tools.run("bookworm")
