# SPDX-License-Identifier: MIT
"""What `apt-config dump` says."""

import os
from pathlib import Path

import pytest

from aptfreeze.fetch.aptread import Option, credential_files, main_file, parse_options, read_options


def test_the_dump_is_read_line_by_line() -> None:
    dump = 'Dir "/";\nAPT::Architectures:: "amd64";\nA::B "say "hi"; now";\nnonsense\n'
    assert parse_options(dump) == (
        Option("Dir", "/"),
        Option("APT::Architectures::", "amd64"),
        Option("A::B", 'say "hi"; now'),
    )


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, "/etc/apt/apt.conf"),
        ({"Dir": "/x", "Dir::Etc": "etc/apt", "Dir::Etc::main": "my.conf"}, "/x/etc/apt/my.conf"),
        ({"Dir": "/x", "Dir::Etc": "/abs"}, "/abs/apt.conf"),
        ({"dir::etc::MAIN": "/abs/main.conf"}, "/abs/main.conf"),
        ({"RootDir": "/root", "Dir": "/"}, "/root/etc/apt/apt.conf"),
    ],
)
def test_the_main_file_is_put_together_as_apt_does(options: dict[str, str], path: str) -> None:
    assert main_file(Option(*item) for item in options.items()) == Path(path)


def test_users_are_where_apt_is_told_that_they_are(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    for name in ("b.conf", "a.conf", "c.conf.save"):
        (tmp_path / "parts" / name).touch()
    moved = (Option("Dir::Etc::netrc", f"{tmp_path}/my.conf"), Option("Dir::Etc::NetrcParts", f"{tmp_path}/parts"))
    names = ("my.conf", "parts/a.conf", "parts/b.conf")
    assert credential_files(moved) == [tmp_path / name for name in names]
    assert credential_files([Option("Dir::Etc::netrc", ""), Option("Dir::Etc::netrcparts", "")]) == []
    assert credential_files([Option("Dir", "/nowhere")]) == [Path("/nowhere/etc/apt/auth.conf")]
    assert credential_files(())[0] == Path("/etc/apt/auth.conf")


def test_without_apt_there_is_nothing_to_read() -> None:
    assert read_options({"PATH": "/nowhere"}) == ()


def test_the_machine_s_apt_tells_what_our_file_says(tmp_path: Path) -> None:
    file = tmp_path / "apt_config"
    file.write_text('Some::Thing "a b";\n')
    assert Option("Some::Thing", "a b") in read_options(os.environ | {"APT_CONFIG": str(file)})
