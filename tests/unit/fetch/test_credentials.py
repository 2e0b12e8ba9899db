# SPDX-License-Identifier: MIT
import os
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import pytest

from aptfreeze.errors import UsageError
from aptfreeze.fetch.aptread import Option
from aptfreeze.fetch.connection import Head
from aptfreeze.fetch.credentials import Credentials, parse
from aptfreeze.fetch.url import Endpoint

FILE = Path("/etc/apt/auth.conf")


def told(tmp_path: Path, text: str, url: str) -> str | None:
    """`user:password` that is sent with this URL."""
    file = tmp_path / "auth.conf"
    file.write_text(text)
    said = Credentials([file]).fields(Endpoint.parse(url)).get("Authorization")
    return None if said is None else b64decode(said.removeprefix("Basic ")).decode("latin-1")


@pytest.mark.parametrize(
    "machine",
    [
        "example.org",
        "Example.org",
        "https://example.org",
        "example.org:443",
        "example.org/deb",
        "example.org/debian",
        "example.org/debian/",
        "https://example.org:443/debian/",
    ],
)
def test_entries_that_are_for_a_url(tmp_path: Path, machine: str) -> None:
    text = f"machine {machine} login apt password debian"
    assert told(tmp_path, text, "https://example.org/debian/dists/x") == "apt:debian"


@pytest.mark.parametrize(
    "machine",
    [
        "example.org:80",
        "example.org/deb/",
        "example.org/ubuntu",
        "example.orga",
        "example.net",
        "sub.example.org",
        "http://example.org",
        "tor+https://example.org",
        "*",
        "",
    ],
)
def test_entries_that_are_not(tmp_path: Path, machine: str) -> None:
    text = f"machine {machine} login apt password debian"
    assert told(tmp_path, text, "https://example.org/debian/dists/x") is None


def test_a_password_goes_over_plain_http_only_where_the_entry_says_so(tmp_path: Path) -> None:
    url = "http://example.org/x"
    assert told(tmp_path, "machine example.org login a password b", url) is None
    assert told(tmp_path, "machine https://example.org login a password b", url) is None
    assert told(tmp_path, "machine http://example.org login a password b", url) == "a:b"


def test_an_entry_without_a_port_is_for_every_port_and_an_address_may_be_one_of_ipv6(tmp_path: Path) -> None:
    text = "machine example.org/x login a password b machine [::1]:8443 login c password d"
    assert told(tmp_path, text, "https://example.org:8443/x") == "a:b"
    assert told(tmp_path, text, "https://[::1]:8443/x") == "c:d"


def test_the_form_is_free_and_the_first_entry_counts(tmp_path: Path) -> None:
    text = """
# machine a.example.org login commented password out
machine a.example.org
    login jane
\tpassword pass:w\xf6rd#1
    account ignored
machine a.example.org login second password second
default login anonymous password none
"""
    (tmp_path / "auth.conf").write_bytes(text.encode("latin-1"))
    entries = list(parse(text.encode("latin-1"), FILE))
    assert [(entry.user, entry.password) for entry in entries] == [("jane", "pass:w\xf6rd#1"), ("second", "second")]


@pytest.mark.parametrize("text", ["", "machine", "machine a.example.org", "login x password y", "machine a:b login x"])
def test_what_is_no_entry_is_passed_over(text: str) -> None:
    assert list(parse(text.encode(), FILE)) == []


def below(root: Path) -> Callable[[], tuple[Option, ...]]:
    """The configuration of an apt below this folder."""
    return lambda: (Option("Dir", str(root)),)


def test_files_count_in_their_order_and_those_of_apt_are_the_default(tmp_path: Path) -> None:
    parts = tmp_path / "etc/apt/auth.conf.d"
    parts.mkdir(parents=True)
    (parts / "b.conf").write_text("machine a.example.org login late password x machine b.example.org login b")
    (parts / "a.conf").write_text("machine a.example.org login early password x")
    (parts / "c.conf.disabled").write_text("machine c.example.org login c password x")
    apts = Credentials(None, below(tmp_path))
    users = [apts.entry(Endpoint.parse(f"https://{name}.example.org/")) for name in "abc"]
    assert [entry and entry.user for entry in users] == ["early", "b", None]
    assert Credentials([], below(tmp_path)).entry(Endpoint.parse("https://a.example.org/")) is None


def test_a_named_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"missing cannot be read \(No such file") as caught:
        Credentials([tmp_path / "missing"])
    assert "[fetch] credentials" in (caught.value.hint or "")
    with pytest.raises(UsageError, match="Is a directory"):
        Credentials([tmp_path])


def test_no_password_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "auth.conf"
    file.write_text("machine a.example.org login jane password secret")
    credentials = Credentials([file])
    entry = credentials.entry(Endpoint.parse("https://a.example.org/"))
    assert (
        "secret" not in f"{credentials} {entry} {credentials.refusal(Endpoint.parse('https://a.example.org/'), HEAD)}"
    )


HEAD = Head(401, "Unauthorized", (("WWW-Authenticate", 'Basic realm="x"'),))


def refusal(credentials: Credentials, url: str, head: Head = HEAD) -> str:
    return str(credentials.refusal(Endpoint.parse(url), head))


def test_a_refusal_names_what_was_sent_and_from_where(tmp_path: Path) -> None:
    file = tmp_path / "auth.conf"
    file.write_text("machine a.example.org/x login jane password secret")
    text = refusal(Credentials([file]), "https://a.example.org/x")
    assert text.startswith(f"401 Unauthorized: https://a.example.org does not let user 'jane' of {file} have it\nHint:")


def test_a_refusal_says_what_to_add_and_where(tmp_path: Path) -> None:
    credentials = Credentials(None, below(tmp_path))
    place = tmp_path / "etc/apt/auth.conf"
    text = refusal(credentials, "https://a.example.org:8443/x")
    assert f"was told no user and password: no entry for it in {place}\n" in text
    assert f'add "machine a.example.org:8443 login USER password PASSWORD" to {place}' in text
    assert '"machine http://a.example.org login' in refusal(credentials, "http://a.example.org/x")
    bearer = Head(401, "", (("WWW-Authenticate", 'Bearer realm="x"'),))
    assert (
        refusal(credentials, "https://a/", bearer) == "401: https://a wants to know users by Bearer, which is not known"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read every file")
def test_a_file_of_apt_that_this_user_cannot_read_is_told_when_it_matters(tmp_path: Path) -> None:
    file = tmp_path / "etc/apt/auth.conf"
    file.parent.mkdir(parents=True)
    file.touch(mode=0)
    assert f"{file} cannot be read by this user" in refusal(Credentials(None, below(tmp_path)), "https://a/")
