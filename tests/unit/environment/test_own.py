# SPDX-License-Identifier: MIT
"""aptfreeze.toml as it can be given out."""

import re
import tomllib
from pathlib import Path

import pytest

from aptfreeze.environment.own import OWN, without_own
from aptfreeze.errors import UsageError
from aptfreeze.rows import ROWS

PLAIN = """\
resign = true  # since the key has expired

[trust]
# The vendor signs nothing; asked for on 2026-11-01.
unsigned = [
    "vendor.example.org/apt ./",
]
[trust.repository."vendor.example.org/apt"]
keyrings = ["keys/vendor.asc"]
"""


def test_what_has_nothing_of_a_machine_stays_as_it_is() -> None:
    assert without_own(PLAIN, "it") == (PLAIN, ())


@pytest.mark.parametrize(
    ("text", "kept", "left_out"),
    [
        ('resign_key = "/etc/team.key"\nresign = true\n', "resign = true\n", "resign_key"),
        ('[archive]\npath = "/srv"\n[fetch]\nretries = 1\n', "[archive]\n[fetch]\nretries = 1\n", "archive.path"),
        ('archive.path = "/srv"\nfetch.retries = 1\n', "fetch.retries = 1\n", "archive.path"),
        ('[fetch]\nproxy = "http://u:secret@p:3128"\ndepth = 1\n', "[fetch]\ndepth = 1\n", "fetch.proxy"),
        ('[fetch]\ncredentials = [\n "a",\n # b\n "c",\n]\ndepth = 1\n', "[fetch]\ndepth = 1\n", "fetch.credentials"),
        (
            '[tls.host."a.example.org"]\nca = "x"\nclient_key = "y"\n[policy]\nsources = "off"\n',
            '[policy]\nsources = "off"\n',
            "tls.host",
        ),
        ('[tls]\nca = "x"\nauthority = "y"\ntunnel = ["z"]\n', '[tls]\ntunnel = ["z"]\n', "tls.authority, tls.ca"),
        ('[policy]\ncredentials = "x"', "[policy]\n", "policy.credentials"),
    ],
)
def test_what_belongs_to_a_machine_goes_with_its_lines(text: str, kept: str, left_out: str) -> None:
    assert without_own(text, "it") == (kept, tuple(left_out.split(", ")))


def test_a_password_in_a_comment_is_not_given_out() -> None:
    text = '[fetch]\n#proxy = "http://me:secret@proxy.example.org:3128"\n# or by https://me:secret@x\n'

    kept, left_out = without_own(text, "it")

    assert kept == '[fetch]\n#proxy = "http://***@proxy.example.org:3128"\n# or by https://***@x\n'
    assert left_out == ()


INLINE = 'fetch = { proxy = "http://u:secret@p" }\n'
IN_QUOTES = '["fetch"]\nproxy = "http://u:secret@p"\n'
SPACED = '[tls . host.b]\nca = "y"\n'


@pytest.mark.parametrize("text", [INLINE, IN_QUOTES, SPACED])
def test_what_cannot_be_taken_out_is_an_error_and_never_given_out(text: str) -> None:
    tomllib.loads(text)

    with pytest.raises(UsageError, match=r"it cannot be given out: (fetch.proxy|tls.host)"):
        without_own(text, "it")


def test_the_settings_are_those_there_are() -> None:
    assert set(OWN) <= {row.key for row in ROWS if row.in_file}


def test_the_documented_example_is_given_out_without_them() -> None:
    example = (Path(__file__).parents[3] / "docs/reference/aptfreeze.toml").read_text()
    used = re.sub(r"^#(?! )", "", example, flags=re.MULTILINE)

    kept, left_out = without_own(used, "it")

    assert set(left_out) == set(OWN)
    assert "keyrings" in kept
