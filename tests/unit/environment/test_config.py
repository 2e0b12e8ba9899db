# SPDX-License-Identifier: MIT
"""Settings from flags, variables and aptfreeze.toml: who wins, and how a mistake is told."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aptfreeze.environment.config import Surroundings, load, table
from aptfreeze.environment.folder import Environment
from aptfreeze.errors import UsageError
from aptfreeze.rows import ROWS
from aptfreeze.settings import Settings, Sourced

EXAMPLE = Path(__file__).parents[3] / "docs/reference/aptfreeze.toml"


def read(tmp_path: Path, text: str = "", flags: dict[str, Any] | None = None, **environ: str) -> Settings:
    (tmp_path / "aptfreeze.toml").write_text(text)
    surroundings = Surroundings({"HOME": "/home/jane"} | environ, Path("/srv/here"))
    return load(Environment(tmp_path, "aptfreeze.toml"), surroundings, flags or {})


def test_without_a_file_everything_is_default(tmp_path: Path) -> None:
    got = load(Environment(tmp_path), Surroundings({"HOME": "/home/jane"}, tmp_path), {})

    assert {each.origin for each in got.values.values()} == {"default"}
    assert got.archive.path == Path("/home/jane/.local/share/aptfreeze")
    assert got.values["env"].value == tmp_path


def test_the_archive_follows_xdg_data_home(tmp_path: Path) -> None:
    assert read(tmp_path, XDG_DATA_HOME="/data").values["archive.path"] == Sourced(
        Path("/data/aptfreeze"), "XDG_DATA_HOME"
    )
    assert read(tmp_path, XDG_DATA_HOME="data").archive.path == Path("/home/jane/.local/share/aptfreeze")


def test_the_authority_for_certificates_is_the_users_and_follows_xdg_config_home(tmp_path: Path) -> None:
    assert read(tmp_path, XDG_CONFIG_HOME="/config").intercept.authority == Path("/config/aptfreeze/authority.pem")
    assert read(tmp_path).intercept.authority == Path("/home/jane/.config/aptfreeze/authority.pem")
    assert read(tmp_path, '[tls]\nauthority = "ca.pem"').intercept.authority == tmp_path / "ca.pem"


def test_flag_beats_variable_beats_file(tmp_path: Path) -> None:
    text = '[archive]\npath = "in-file"'
    by_file = read(tmp_path, text)
    by_variable = read(tmp_path, text, APTFREEZE_ARCHIVE="in-variable")
    by_flag = read(tmp_path, text, {"archive.path": "in-flag"}, APTFREEZE_ARCHIVE="in-variable")

    assert by_file.values["archive.path"] == Sourced(tmp_path / "in-file", "aptfreeze.toml")
    assert by_variable.values["archive.path"] == Sourced(Path("/srv/here/in-variable"), "APTFREEZE_ARCHIVE")
    assert by_flag.values["archive.path"] == Sourced(Path("/srv/here/in-flag"), "--archive")


def test_an_empty_variable_is_none_and_a_false_one_is_false(tmp_path: Path) -> None:
    assert read(tmp_path, APTFREEZE_LOCKED="").locked == Sourced(False)
    assert read(tmp_path, APTFREEZE_LOCKED="0").locked == Sourced(False, "APTFREEZE_LOCKED")
    assert read(tmp_path, APTFREEZE_LOCKED="1").locked == Sourced(True, "APTFREEZE_LOCKED")
    assert read(tmp_path, flags={"locked": True}, APTFREEZE_LOCKED="0").locked == Sourced(True, "--locked")


def test_tables_by_repository(tmp_path: Path) -> None:
    got = read(
        tmp_path,
        '[trust.repository."vendor.example.org/apt"]\nkeyrings = ["v.asc"]\n'
        '[mirrors]\n"mirror.example.org/debian" = ["http://mirror1.example.org/debian/"]',
    )
    assert got.trust.repository_keyrings == {"vendor.example.org/apt": (tmp_path / "v.asc",)}
    assert got.mirrors.mirrors == {"mirror.example.org/debian": ("http://mirror1.example.org/debian",)}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[fetch]\nretrys = 3", "unknown key 'fetch.retrys'", "fetch.retries"),
        ("[fech]\nretries = 3", "unknown key 'fech'", "fetch"),
        ("colour = 3", "unknown key 'colour'", "known are: archive.path"),
        ("locked = true", "'locked' belongs to one run", "--locked or the variable APTFREEZE_LOCKED"),
        ("fetch = 3", "fetch: expected a table [fetch], found 3", None),
        ('[fetch]\nretries = "many"', "fetch.retries: expected a whole number from 0 to 20, found 'many'", None),
        ("[policy]\nsources = false", "policy.sources: expected one of", None),
        ("[fetch\n", "not valid TOML: ", None),
        ("a = 1\nb = \nc = 1", "line 2", None),
        ("a = " + "[" * 5000, "too deeply nested", None),
        ("<<<<<<< HEAD", "not valid TOML", None),
    ],
)
def test_mistakes_in_the_file_are_told_by_place(tmp_path: Path, text: str, message: str, hint: str | None) -> None:
    with pytest.raises(UsageError) as raised:
        read(tmp_path, text)

    assert raised.value.message.startswith(str(tmp_path / "aptfreeze.toml"))
    assert message in raised.value.message
    assert hint is None or hint in (raised.value.hint or "")


def test_a_file_that_is_no_text_is_told_by_line(tmp_path: Path) -> None:
    (tmp_path / "aptfreeze.toml").write_bytes(b"\n\n# caf\xe9")
    with pytest.raises(UsageError, match="line 3 is not UTF-8"):
        load(Environment(tmp_path), Surroundings({}, tmp_path), {})


def test_mistakes_in_variables_and_flags_are_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^APTFREEZE_LOCKED: expected true or false .*, found 'maybe'"):
        read(tmp_path, APTFREEZE_LOCKED="maybe")
    with pytest.raises(UsageError, match=r"^--archive: expected a path"):
        read(tmp_path, flags={"archive.path": ""})


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            ["[", "]", '"', "=", "\n", ".", "fetch", "retries", "mirrors", "trust", "repository", "3", "{}"]
        )
        | st.text(max_size=3),
        max_size=12,
    ).map("".join)
)
def test_any_file_is_read_or_refused(tmp_path: Path, text: str) -> None:
    with suppress(UsageError):
        assert set(read(tmp_path, text).values) == {row.key for row in ROWS}


# --- the table and the documented example ----------------------------------------------------------------------------


def test_the_table_tells_every_setting_in_json_types(tmp_path: Path) -> None:
    listed = table(read(tmp_path, '[trust]\nunsigned = ["b.example.org/x ./", "a.example.org/x ./"]'))

    assert [each.key for each in listed] == [row.key for row in ROWS]
    json.dumps([each.value for each in listed])
    unsigned = next(each for each in listed if each.key == "trust.unsigned")
    assert unsigned.text == '["a.example.org/x ./", "b.example.org/x ./"]'
    assert unsigned.origin == "aptfreeze.toml"
    archive = next(each for each in listed if each.key == "archive.path")
    assert (archive.flag, archive.env) == ("--archive", "APTFREEZE_ARCHIVE")


def test_the_table_tells_exceptions_as_they_are_written(tmp_path: Path) -> None:
    text = '[[exception]]\npackage = "my-app"\nlacks = ["source", "origin"]\nreason = "ours"\n'
    listed = {each.key: each.value for each in table(read(tmp_path, text))}

    assert listed["exception"] == [{"package": "my-app", "lacks": ["origin", "source"], "reason": "ours"}]


def test_the_proxy_of_the_file_and_the_variables_of_the_process_are_kept_apart_and_no_password_is_told(
    tmp_path: Path,
) -> None:
    got = read(tmp_path, '[fetch]\nproxy = "http://me:secret@proxy.example.org:3128"', http_proxy="http://other")

    assert got.proxy.url == "http://me:secret@proxy.example.org:3128"
    assert got.proxy.variables["http_proxy"] == "http://other"
    (told,) = [each.value for each in table(got) if each.key == "fetch.proxy"]
    assert told == "http://me:***@proxy.example.org:3128"
    assert read(tmp_path).proxy.url is None
    assert read(tmp_path, '[fetch]\nproxy = ""').proxy.url == ""


def uncommented(text: str) -> str:
    """The example with every setting in force: lines that begin with "#" and no blank."""
    return re.sub(r"^#(?=[^ \n])", "", text, flags=re.MULTILINE)


def test_the_documented_example_sets_nothing_as_it_stands(tmp_path: Path) -> None:
    assert {each.origin for each in read(tmp_path, EXAMPLE.read_text()).values.values()} == {
        "default",
        "aptfreeze.toml",
    }
    assert [k for k, v in read(tmp_path, EXAMPLE.read_text()).values.items() if v.origin != "default"] == ["env"]


def test_the_documented_example_has_every_setting_with_its_default(tmp_path: Path) -> None:
    got = read(tmp_path, uncommented(EXAMPLE.read_text()))

    for row in (row for row in ROWS if row.in_file):
        sourced = got.values[row.key]
        assert sourced.origin == "aptfreeze.toml", f"{row.key} is missing"
        if row.default:
            assert sourced.value == row.default, f"{row.key} is documented with another default"
    assert got.archive.path == Path("/home/jane/.local/share/aptfreeze")


def test_the_documented_example_names_flags_and_variables() -> None:
    text = EXAMPLE.read_text()
    assert [name for row in ROWS for name in (row.flag, row.env) if name and name not in text] == []


def test_a_password_in_a_url_is_refused_and_not_told_further(tmp_path: Path) -> None:
    text = '[mirrors]\n"mirror.example.org/debian" = ["https://jane:secret@mirror.example.org/debian"]\n'
    with pytest.raises(UsageError, match=r"without user and password: .*auth\.conf.*\*\*\*@mirror") as caught:
        read(tmp_path, text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("password", ["top@secret", "top/secret", "secret:@x"])
def test_a_password_with_odd_characters_is_not_told_either(tmp_path: Path, password: str) -> None:
    url = f"https://jane@corp:{password}@mirror.example.org/debian"
    for text in (f'[mirrors]\n"mirror.example.org/debian" = ["{url}"]', f'[fetch]\nproxy = "{url}"'):
        with pytest.raises(UsageError) as caught:
            read(tmp_path, text)
        assert "secret" not in str(caught.value)
