# SPDX-License-Identifier: MIT
"""All that COMMAND is given, put together."""

import os
from dataclasses import replace
from pathlib import Path

from aptfreeze.fetch.aptread import Option, read_options
from aptfreeze.launch.prepare import prepare
from support.sessions import make_session


def options(variables: dict[str, str]) -> dict[str, str]:
    return {option.name: option.value for option in read_options(variables)}


def test_apt_gets_the_proxy_and_lists_of_its_own(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    prepared = prepare(["apt-get", "update"], os.environ, session)
    found = options(dict(prepared.variables))
    assert found["Acquire::http::Proxy"] == session.proxy
    assert found["Acquire::Check-Valid-Until"] == "false"
    assert found["Dir::State::lists"].startswith(f"{session.state}/apt/")


def test_any_other_command_keeps_the_lists_of_whatever_it_builds(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    prepared = prepare(["sh", "-c", "apt-get update"], os.environ, session)
    found = options(dict(prepared.variables))
    assert found["Acquire::http::Proxy"] == session.proxy
    assert found["Dir::State::lists"] == options(dict(os.environ))["Dir::State::lists"]
    assert list(session.state.iterdir()) == []


def test_the_key_of_suites_that_are_signed_anew_reaches_the_wrappers(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "debootstrap").touch(0o755)
    session = make_session(tmp_path, certificate=b"the key")
    prepare(["make"], {"PATH": str(tools)}, session)
    assert (session.folder / "bin/aptfreeze.gpg").read_bytes() == b"the key"


def test_only_then_a_source_that_names_a_key_is_told(tmp_path: Path) -> None:
    command = ["mmdebstrap", "bookworm", "-", "deb [signed-by=/a.gpg] http://mirror.example.org/debian bookworm main"]
    (tmp_path / "plain").mkdir()
    assert prepare(command, os.environ, make_session(tmp_path / "plain")).notices == ()
    (notice,) = prepare(command, os.environ, make_session(tmp_path, certificate=b"the key")).notices
    assert "aptfreeze key --out FILE" in str(notice)


def test_apt_and_mmdebstrap_are_told_whom_to_trust_by_https(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "mmdebstrap").touch(0o755)
    session = make_session(tmp_path, authority=b"-----BEGIN CERTIFICATE-----\nours")
    own = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"}
    prepared = prepare(["make"], own, session)
    file = session.folder / "authorities.pem"
    assert options(dict(prepared.variables))["Acquire::https::CAInfo"] == str(file)
    assert b"ours" in file.read_bytes()
    assert f'Acquire::https::CAInfo "{file}";' in (session.folder / "bin/mmdebstrap").read_text()
    assert prepared.overridden() == ()


def test_an_option_that_keeps_our_authority_from_apt_is_told(tmp_path: Path) -> None:
    command = ["apt-get", "-oAcquire::https::CAInfo=/company.pem", "update"]
    (tmp_path / "plain").mkdir()
    assert prepare(command, os.environ, make_session(tmp_path / "plain")).notices == ()
    (notice,) = prepare(command, os.environ, make_session(tmp_path, authority=b"ours")).notices
    assert "whom apt trusts by https" in str(notice)


def test_all_that_is_temporary_lies_in_the_session_folder(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    variables = prepare(["make"], os.environ, session).variables
    assert Path(variables["APT_CONFIG"]).is_relative_to(session.folder)
    assert variables["PATH"].endswith(os.environ["PATH"])
    assert {entry.name for entry in tmp_path.iterdir()} == {"session", "environment"}


def test_every_remark_is_there_and_the_most_urgent_comes_first(tmp_path: Path) -> None:
    user = tmp_path / "user.conf"
    user.write_text('Acquire::http::Proxy::mirror.example.org "DIRECT";')
    own = dict(os.environ) | {"no_proxy": "mirror.example.org", "APT_CONFIG": str(user)}
    prepared = prepare(["sudo", "mmdebstrap"], own, make_session(tmp_path))
    notices = [str(notice) for notice in (*prepared.notices, *prepared.overridden())]
    assert notices[0].startswith("sudo drops")
    assert any(text.startswith('no_proxy="mirror.example.org"') for text in notices)
    assert any("Acquire::http::Proxy::mirror.example.org" in text for text in notices)
    assert not any("instead of" in text for text in notices)


def test_an_apt_that_cannot_be_asked_again_is_not_blamed(tmp_path: Path) -> None:
    own = {"PATH": "/nowhere"}
    prepared = prepare(["make"], own, make_session(tmp_path), [Option("APT::Architecture", "amd64")])
    assert prepared.overridden() == ()


def test_a_machine_without_apt_is_no_obstacle(tmp_path: Path) -> None:
    prepared = prepare(["make"], {"PATH": "/nowhere"}, make_session(tmp_path))
    assert (*prepared.notices, *prepared.overridden()) == ()
    assert Path(prepared.variables["APT_CONFIG"]).is_file()


def test_in_a_user_namespace_apt_stays_root_and_mmdebstrap_unshares(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/mmdebstrap").touch(0o755)
    session = replace(make_session(tmp_path), in_user_namespace=True)
    path = f"{tmp_path / 'tools'}:{os.environ['PATH']}"
    prepared = prepare(["make"], os.environ | {"PATH": path}, session)
    assert options(dict(prepared.variables))["APT::Sandbox::User"] == "root"
    assert prepared.overridden() == ()
    assert ' --mode=unshare "$@"' in (session.folder / "bin/mmdebstrap").read_text()
