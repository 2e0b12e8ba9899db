# SPDX-License-Identifier: MIT
"""The environment variables of COMMAND."""

from pathlib import Path

from aptfreeze.launch.variables import child_variables
from support.sessions import CREATED, GENERATION, make_session


def test_all_names_of_the_proxy_are_ours(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    variables, notices = child_variables({"PATH": "/bin", "TMPDIR": "/var/tmp"}, session)
    assert {variables[name] for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")} == {session.proxy}
    assert (variables["PATH"], variables["TMPDIR"]) == ("/bin", "/var/tmp")
    assert variables["APTFREEZE_PROXY"] == session.proxy
    assert variables["APTFREEZE_GENERATION"] == GENERATION
    assert notices == ()


def test_the_time_of_the_build_is_the_generation_s_unless_set(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    epoch = str(int(CREATED.timestamp()))
    assert child_variables({}, session)[0]["SOURCE_DATE_EPOCH"] == epoch
    assert child_variables({"SOURCE_DATE_EPOCH": ""}, session)[0]["SOURCE_DATE_EPOCH"] == epoch
    assert child_variables({"SOURCE_DATE_EPOCH": "1"}, session)[0]["SOURCE_DATE_EPOCH"] == "1"


def test_no_proxy_is_removed_and_told(tmp_path: Path) -> None:
    own = {"no_proxy": "localhost,mirror.example.org", "NO_PROXY": "*"}
    variables, notices = child_variables(own, make_session(tmp_path))
    assert not {"no_proxy", "NO_PROXY"} & set(variables)
    assert [str(notice).split(" removed")[0] for notice in notices] == [
        'no_proxy="localhost,mirror.example.org"',
        'NO_PROXY="*"',
    ]


def test_an_empty_no_proxy_is_no_news(tmp_path: Path) -> None:
    assert child_variables({"no_proxy": ""}, make_session(tmp_path))[1] == ()


def test_another_proxy_is_replaced_told_once_and_without_its_password(tmp_path: Path) -> None:
    own = dict.fromkeys(("http_proxy", "HTTP_PROXY", "https_proxy"), "http://me:secret@proxy.example.org:3128")
    _, notices = child_variables(own, make_session(tmp_path))
    (notice,) = map(str, notices)
    assert "http_proxy, https_proxy, HTTP_PROXY" in notice
    assert "secret" not in notice


def test_the_caller_s_own_variables_stay_as_they_are(tmp_path: Path) -> None:
    own = {"no_proxy": "*"}
    child_variables(own, make_session(tmp_path))
    assert own == {"no_proxy": "*"}


def test_the_fallback_of_curl_is_ours_where_it_is_set(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    variables, (notice,) = child_variables({"all_proxy": "socks5://me:secret@proxy.example.org"}, session)
    assert (variables["all_proxy"], "ALL_PROXY" in variables) == (session.proxy, False)
    assert str(notice).startswith('all_proxy="socks5://me:***@proxy.example.org" replaced')
