# SPDX-License-Identifier: MIT
"""What COMMAND's words tell."""

import shlex

import pytest

from aptfreeze.launch.command import (
    elevation_notice,
    is_apt,
    other_key_notice,
    own_authority_notice,
    own_proxy_notice,
    passed_wrapper_notice,
    tunnel_notice,
    urls_in,
)


@pytest.mark.parametrize("line", ["apt update", "apt-get update", "/usr/bin/apt-get -y install x"])
def test_apt_is_known_by_its_base_name(line: str) -> None:
    assert is_apt(shlex.split(line))


@pytest.mark.parametrize(
    "line", ["", "sudo apt-get update", "env apt update", "sh -c 'apt update'", "apt-cache x", "aptitude"]
)
def test_what_only_starts_apt_is_not_apt(line: str) -> None:
    assert not is_apt(shlex.split(line))


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("sudo mmdebstrap bookworm x.tar", "sudo aptfreeze run -- mmdebstrap ..."),
        ("/usr/bin/sudo -E -u root /usr/sbin/debootstrap bookworm x", "sudo aptfreeze run -- debootstrap ..."),
        ("sudo A=1 sh -c 'apt-get update'", "sudo aptfreeze run -- apt-get ..."),
        ("doas apt update", "doas aptfreeze run -- apt ..."),
        ("su -c 'mmdebstrap bookworm x.tar'", "su -c 'aptfreeze run -- mmdebstrap ...'"),
        ("su root -c 'make image'", "su -c 'aptfreeze run -- COMMAND ...'"),
        ("pkexec make image", "pkexec aptfreeze run -- COMMAND ..."),
    ],
)
def test_a_change_of_user_is_told_with_the_right_order(line: str, hint: str) -> None:
    notice = elevation_notice(shlex.split(line))
    assert notice
    assert notice.hint
    assert hint in notice.hint


@pytest.mark.parametrize("line", ["", "mmdebstrap sudo", "make sudo", "env mmdebstrap bookworm"])
def test_other_commands_are_no_news(line: str) -> None:
    assert elevation_notice(shlex.split(line)) is None


@pytest.mark.parametrize(
    "option",
    [
        '--aptopt=Acquire::http::Proxy "http://user:secret@proxy.example.org"',
        '--aptopt=Acquire::http { Proxy "http://user:secret@proxy.example.org"; }',
        "-oacquire::HTTP::proxy::mirror.example.org=DIRECT",
    ],
)
def test_a_proxy_by_option_is_told_without_its_value(option: str) -> None:
    notice = own_proxy_notice(["mmdebstrap", option, "bookworm"])
    assert notice
    assert "secret" not in str(notice)
    assert own_proxy_notice(["mmdebstrap", "--aptopt=Acquire::Languages none", "bookworm"]) is None
    assert own_proxy_notice(["echo", option]) is None
    assert own_proxy_notice([]) is None


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (
            ["mmdebstrap", "bookworm", "-", "deb [signed-by=/a.gpg] http://mirror.example.org/debian bookworm main"],
            True,
        ),
        (["apt-get", "-o", "x=Signed-By: y", "update"], True),
        (["mmdebstrap", "bookworm", "-", "deb http://mirror.example.org/debian bookworm main"], False),
        (["./build.sh", "signed-by"], False),
        (["apt-get"], False),
    ],
)
def test_a_source_with_a_key_of_its_own(command: list[str], told: bool) -> None:
    assert (other_key_notice(command) is not None) == told


def test_a_wrapper_that_is_passed_by_is_told_with_its_folder() -> None:
    notice = passed_wrapper_notice(["/usr/bin/mmdebstrap", "bookworm"])
    assert notice is not None
    assert "with /usr/bin in PATH" in (notice.hint or "")
    assert passed_wrapper_notice(["mmdebstrap"]) is None
    assert passed_wrapper_notice(["/usr/sbin/debootstrap"]) is None


def test_an_option_that_names_whom_apt_trusts_is_told() -> None:
    option = "Acquire::https::CAInfo=/company.pem"
    assert own_authority_notice(["apt-get", "-o", option, "update"]) is not None
    assert (
        own_authority_notice(["mmdebstrap", f'--aptopt=acquire::https::mirror.example.org::cainfo "{option}"'])
        is not None
    )
    assert own_authority_notice(["apt-get", "-o", "Acquire::https::Verify-Peer=false", "update"]) is None
    assert own_authority_notice(["echo", option]) is None


def test_who_asks_by_https_and_is_not_apt_is_told() -> None:
    url = "https://mirror.example.org/debian"
    assert tunnel_notice(["/usr/sbin/debootstrap", "bookworm", "root", url]) is not None
    assert tunnel_notice(["debootstrap", "bookworm", "root", url.replace("https", "http")]) is None
    assert tunnel_notice(["mmdebstrap", "bookworm", "x", url]) is None


def test_urls_are_those_that_apt_will_ask_for() -> None:
    source = "deb [trusted=yes] https://mirror.example.org/debian bookworm main"
    assert urls_in(["mmdebstrap", "bookworm", "x", source, "http://other.example.org"]) == [
        "https://mirror.example.org/debian",
        "http://other.example.org",
    ]
    assert urls_in(["wget", "https://mirror.example.org/"]) == urls_in([]) == []
