# SPDX-License-Identifier: MIT
"""Where the rules about proxies come from, and when."""

import os
from pathlib import Path

import pytest

from aptfreeze.fetch.proxies import Proxy
from aptfreeze.fetch.routes import Routes
from aptfreeze.fetch.url import Endpoint
from aptfreeze.settings import ProxySettings

PAGE = Endpoint.parse("http://mirror.example.org/x")
PROXY = "http://proxy.example.org:3128"


def way(settings: ProxySettings) -> str | None:
    proxy = Routes(settings).proxy_for(PAGE)
    return None if proxy is None else str(proxy)


def apt_with(tmp_path: Path, line: str) -> dict[str, str]:
    """The variables of somebody whose apt is configured so."""
    (tmp_path / "empty").mkdir()
    file = tmp_path / "apt.conf"
    file.write_text(f'Dir::Etc::main "/dev/null";\nDir::Etc::parts "{tmp_path}/empty";\n{line}\n')
    return {"PATH": os.environ["PATH"], "APT_CONFIG": str(file)}


def test_the_machine_s_apt_is_asked(tmp_path: Path) -> None:
    variables = apt_with(tmp_path, f'Acquire::http::Proxy::mirror.example.org "{PROXY}";')
    assert way(ProxySettings(None, variables)) == (
        f"the proxy {PROXY} (Acquire::http::Proxy::mirror.example.org of apt)"
    )


def test_a_setting_is_enough_and_apt_is_not_asked(tmp_path: Path) -> None:
    variables = apt_with(tmp_path, f'Acquire::http::Proxy "{PROXY}";')
    assert way(ProxySettings("", variables)) is None
    assert way(ProxySettings("http://own.example.org:1", variables)) == (
        "the proxy http://own.example.org:1 ([fetch] proxy)"
    )


def test_without_variables_there_is_no_proxy() -> None:
    assert way(ProxySettings()) is None


def test_this_process_is_no_proxy_of_its_own() -> None:
    variables = {"http_proxy": "http://127.0.0.1:3142", "PATH": ""}
    routes = Routes(ProxySettings(None, variables))
    before = routes.proxy_for(PAGE)
    routes.avoid(3142)
    assert before is not None
    assert routes.proxy_for(PAGE) is None


def test_another_machine_s_proxy_on_the_same_port_is_asked() -> None:
    routes = Routes(ProxySettings(None, {"http_proxy": "http://proxy.example.org:3142", "PATH": ""}))
    routes.avoid(3142)
    assert routes.proxy_for(PAGE) is not None


@pytest.mark.parametrize(
    ("host", "etag", "is_frozen"),
    [
        ("127.0.0.1", f'"{"a1" * 32}"', True),
        ("proxy.example.org", f'"{"a1" * 32}"', False),
        ("127.0.0.1", '"2ab-64b0c"', False),
        ("127.0.0.1", f'W/"{"a1" * 32}"', False),
        ("127.0.0.1", "", False),
    ],
)
def test_an_aptfreeze_on_this_machine_is_known_by_its_answers(host: str, etag: str, is_frozen: bool) -> None:
    routes, proxy = Routes(ProxySettings()), Proxy.parse(f"http://{host}:3142", "http_proxy")
    routes.judge(proxy, etag)
    assert routes.frozen == ({proxy} if is_frozen else set())
