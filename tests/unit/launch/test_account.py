# SPDX-License-Identifier: MIT
"""Users of this machine. What `become` does, tests/apt/test_isolate.py shows: only root can."""

import os
import pwd

import pytest

from aptfreeze.errors import UsageError
from aptfreeze.launch.account import Account, invoking_user


def test_this_process_s_own() -> None:
    own = Account.current()

    assert (own.user, own.group) == (os.geteuid(), os.getegid())
    assert own.name == pwd.getpwuid(os.geteuid()).pw_name


def test_a_user_is_named_by_name_or_number() -> None:
    entry = pwd.getpwuid(0)

    assert Account.named(entry.pw_name) == Account.named("0")
    assert Account.named("0").variables == {
        "HOME": entry.pw_dir,
        "USER": entry.pw_name,
        "LOGNAME": entry.pw_name,
        "SHELL": entry.pw_shell,
    }


@pytest.mark.parametrize("name", ["no-such-user", "4000000000", "99999999999999999999", "²", ""])
def test_a_user_that_there_is_not(name: str) -> None:
    with pytest.raises(UsageError, match="there is no user"):
        Account.named(name)


def test_who_called_sudo() -> None:
    assert invoking_user({"SUDO_UID": "1000"}) == "1000"
    with pytest.raises(UsageError, match="SUDO_UID is not set"):
        invoking_user({})
