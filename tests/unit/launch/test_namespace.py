# SPDX-License-Identifier: MIT
"""Why there is no namespace. What is one, test_isolate.py and tests/apt/test_isolate.py show."""

import errno
from collections.abc import Mapping

import pytest

from aptfreeze.launch.namespace import forbidden, sysctl


def told(number: int, settings: Mapping[str, str] = {}, *, with_user: bool = True) -> str:
    return str(forbidden(number, with_user=with_user, setting=lambda name: settings.get(name, "")))


def test_a_limit_is_named_with_its_value() -> None:
    said = told(errno.ENOSPC, {"user.max_user_namespaces": "0", "user.max_net_namespaces": "96365"})

    assert said.startswith("--isolate needs a user and network namespace, and the kernel gives none: No space left")
    assert "user.max_user_namespaces = 0" in said
    assert "sysctl -w user.max_user_namespaces=10000" in said


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("kernel.unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
        (
            "kernel.apparmor_restrict_unprivileged_userns",
            "1",
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ],
)
def test_the_setting_that_forbids_it_is_named(name: str, value: str, fix: str) -> None:
    said = told(errno.EPERM, {name: value})

    assert fix in said
    assert "sudo aptfreeze run --isolate --user NAME" in said


def test_a_setting_that_allows_it_is_not_blamed() -> None:
    said = told(
        errno.EPERM,
        {"kernel.unprivileged_userns_clone": "1", "kernel.apparmor_restrict_unprivileged_userns": "0"},
    )

    assert "sysctl" not in said
    assert "seccomp" in said


def test_root_is_told_what_a_container_takes_from_it() -> None:
    said = told(errno.EPERM, with_user=False)

    assert said.startswith("--isolate needs a network namespace, and the kernel gives none: Operation not permitted\n")
    assert "--cap-add SYS_ADMIN --cap-add NET_ADMIN" in said
    assert "sudo" not in said
    assert "sysctl -w user.max_net_namespaces" in told(errno.ENOSPC, with_user=False)


@pytest.mark.parametrize("with_user", [True, False])
def test_a_kernel_without_namespaces(with_user: bool) -> None:
    assert "CONFIG_NET_NS" in told(errno.EINVAL, with_user=with_user)


def test_settings_are_read_from_the_kernel() -> None:
    assert sysctl("kernel.pid_max").isdecimal()
    assert sysctl("kernel.no_such_setting") == ""
