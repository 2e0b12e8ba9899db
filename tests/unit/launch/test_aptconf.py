# SPDX-License-Identifier: MIT
"""The apt configuration of COMMAND, read by the machine's own apt-config in each story."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from aptfreeze.errors import UsageError
from aptfreeze.fetch.aptread import Option, main_file, read_options
from aptfreeze.launch.aptconf import (
    apt_options,
    override_notices,
    proxy_notices,
    run_rules,
    write_configuration,
)

RULES = run_rules("http://127.0.0.1:3142")


class Machine:
    """A machine whose apt has a parts folder, a main file and a file named by APT_CONFIG."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.parts = root / "apt.conf.d"
        self.parts.mkdir()
        self.main = root / "apt.conf"
        self.user = root / "user.conf"
        self.say(self.user, f'Dir::Etc::parts "{self.parts}"; Dir::Etc::main "{self.main}";')

    def say(self, file: Path, text: str) -> None:
        with file.open("a") as written:
            written.write(text + "\n")

    def own(self) -> tuple[Option, ...]:
        return read_options(os.environ | {"APT_CONFIG": str(self.user)})

    def with_ours(self, rules: tuple[tuple[str, str], ...] = RULES) -> Mapping[str, str]:
        """What apt reads, by lower-case name, once our files are on top."""
        own = self.own()
        file = write_configuration(self.root / "ours", rules, own, main_file(own), self.user)
        return {option.name.lower(): option.value for option in read_options(os.environ | {"APT_CONFIG": str(file)})}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("where", ["user", "parts", "main"])
def test_ours_is_the_last_word_over_every_file_of_the_user(machine: Machine, where: str) -> None:
    file = {"user": machine.user, "parts": machine.parts / "99zz", "main": machine.main}[where]
    machine.say(
        file,
        """
        Acquire::Check-Valid-Until "true"; Acquire::Check-Date "true"; Acquire::PDiffs "true";
        APT::Update::Error-Mode "persistent";
        Acquire::http::Proxy "http://proxy.example.org:3128"; Acquire::https::Proxy "DIRECT";
        Acquire::http::Proxy::mirror.example.org "DIRECT";
        Acquire { http { Proxy-Auto-Detect "/bin/true"; ProxyAutoDetect "/bin/true"; }; };
        """,
    )
    found = machine.with_ours()
    assert {name: found[name.lower()] for name, _ in RULES} == dict(RULES)
    for bypass in ("proxy::mirror.example.org", "proxy-auto-detect", "proxyautodetect"):
        assert not found.get(f"acquire::http::{bypass}")


def test_all_other_settings_of_the_user_hold_in_apt_s_own_order(machine: Machine) -> None:
    machine.say(machine.user, 'From::User "1"; Won::By "user";')
    machine.say(machine.parts / "50x", 'From::Parts "1"; Won::By "parts";')
    machine.say(machine.main, 'From::Main "1"; Won::By "main"; List { "a"; "b"; };')
    found = machine.with_ours()
    assert (found["from::user"], found["from::parts"], found["from::main"]) == ("1", "1", "1")
    assert found["won::by"] == "main"
    assert found["list::"] == "b"
    assert found["dir::etc"] == "etc/apt"
    assert found["dir"] == "/"


def test_settings_of_one_program_only_are_cleared(machine: Machine) -> None:
    machine.say(
        machine.parts / "50x",
        'Binary::apt-get { Acquire::http::Proxy "DIRECT"; APT::Update::Error-Mode "persistent"; Some::Thing "kept"; };',
    )
    found = machine.with_ours()
    assert not found["binary::apt-get::acquire::http::proxy"]
    assert not found["binary::apt-get::apt::update::error-mode"]
    assert found["binary::apt-get::some::thing"] == "kept"


def test_files_that_are_not_there_are_no_error(machine: Machine, tmp_path: Path) -> None:
    own = machine.own()
    file = write_configuration(tmp_path / "ours", RULES, own, tmp_path / "absent", None)
    assert override_notices(RULES, read_options(os.environ | {"APT_CONFIG": str(file)})) == ()


def test_odd_names_of_the_user_s_files_do_not_matter(tmp_path: Path) -> None:
    folder = tmp_path / 'a "b" %41 c'
    folder.mkdir()
    user = folder / "my file;"
    user.write_text('From::User "1";')
    file = write_configuration(tmp_path / "o u%41r's", RULES, (), tmp_path / "absent", user)
    found = read_options(os.environ | {"APT_CONFIG": str(file)})
    assert Option("From::User", "1") in found
    assert override_notices(RULES, found) == ()


def test_each_way_past_us_is_told_without_its_password(machine: Machine) -> None:
    machine.say(
        machine.main,
        """
        Acquire::http::Proxy "http://me:secret@proxy.example.org:3128";
        Acquire::http::Proxy::mirror.example.org "DIRECT";
        Acquire::https::Proxy-Auto-Detect "/usr/bin/auto";
        Binary::apt::Acquire::http::Proxy "DIRECT";
        Acquire::http::Timeout "10";
        """,
    )
    told = [str(notice) for notice in proxy_notices(machine.own())]
    assert len(told) == 4
    assert not [text for text in told if "secret" in text or "Timeout" in text]
    assert 'Acquire::http::Proxy::mirror.example.org "DIRECT"' in told[1]
    assert [text.partition("not used by the command")[2].split()[-1] for text in told] == [
        "itself",  # upstream we go by it
        "itself",
        "aptfreeze.toml",  # where to name what the detector would find
        "only",
    ]


def test_a_part_that_moves_the_main_file_is_noticed(machine: Machine) -> None:
    machine.say(machine.parts / "50x", f'Dir::Etc::main "{machine.main}"; Acquire::Check-Date "true";')
    found = machine.with_ours()
    (told,) = override_notices(RULES, [Option(*item) for item in found.items()])
    assert 'Acquire::Check-Date "true" instead of "false"' in str(told)


def test_a_value_that_apt_cannot_write_is_refused() -> None:
    with pytest.raises(UsageError, match="double quote"):
        apt_options([("Dir::Cache", '/a"b')])
