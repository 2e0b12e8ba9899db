# SPDX-License-Identifier: MIT
"""The settings that hold for one run: flags, then variables, then aptfreeze.toml, then defaults.

Rule 1: which settings there are, and what each may be, stands in `rows.ROWS` only.
Rule 2: a relative path in the file is relative to the file, in a flag or variable to the current folder.
Rule 3: an empty variable is as good as none.
Rule 4: a mistake is a UsageError that names file, key, what was expected and found, and the key that was meant.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aptfreeze.environment import files
from aptfreeze.environment.folder import Environment
from aptfreeze.errors import UsageError
from aptfreeze.fetch.proxies import without_password
from aptfreeze.parsers import Anchor
from aptfreeze.rows import ROWS, Row, from_values
from aptfreeze.settings import Exemption, Settings, Sourced
from aptfreeze.values import immutable

_FILE_ROWS = {row.key: row for row in ROWS if row.in_file}


@immutable
class Surroundings:
    """What of the calling process decides about settings."""

    environ: Mapping[str, str]
    folder: Path
    """The current one."""

    @property
    def anchor(self) -> Anchor:
        return Anchor(self.folder, Path(self.environ.get("HOME") or "/"))


@immutable
class Listed:
    """One setting as `aptfreeze config` tells it."""

    key: str
    value: Any
    """Of JSON's types."""
    origin: str
    flag: str | None
    env: str | None
    help: str

    @property
    def text(self) -> str:
        return json.dumps(self.value, ensure_ascii=False)


def load(environment: Environment, surroundings: Surroundings, flags: Mapping[str, Any]) -> Settings:
    """All settings of an environment; `flags` by row key (`archive.path`, `locked`), None or absent: not given."""
    in_file = _read(environment.config_file, surroundings.anchor.home)
    values = {"env": Sourced(environment.root, environment.origin)}
    for row in ROWS:
        if row.key not in values:
            values[row.key] = (
                _from_flag(row, surroundings, flags)
                or _from_variable(row, surroundings)
                or in_file.get(row.key)
                or _default(row, surroundings)
            )
    return from_values(values, surroundings.environ)


def table(settings: Settings) -> tuple[Listed, ...]:
    """Every setting with its value and where that came from, in the order of the documentation."""
    return tuple(
        Listed(
            row.key,
            _plain(settings.values[row.key].value),
            settings.values[row.key].origin,
            row.flag,
            row.env,
            row.help,
        )
        for row in ROWS
    )


# --- flags, variables, defaults --------------------------------------------------------------------------------------


def _from_flag(row: Row, surroundings: Surroundings, flags: Mapping[str, Any]) -> Sourced[Any] | None:
    value = flags.get(row.key)
    if row.flag is None or value is None:
        return None
    return Sourced(_parse(row, value, surroundings.anchor, row.flag), row.flag)


def _from_variable(row: Row, surroundings: Surroundings) -> Sourced[Any] | None:
    value = surroundings.environ.get(row.env) if row.env else None
    if not row.env or not value:
        return None
    return Sourced(_parse(row, value, surroundings.anchor, row.env), row.env)


def _default(row: Row, surroundings: Surroundings) -> Sourced[Any]:
    if row.key == "archive.path":
        return _of_user("XDG_DATA_HOME", ".local/share", "aptfreeze", surroundings)
    if row.key == "tls.authority":
        return _of_user("XDG_CONFIG_HOME", ".config", "aptfreeze/authority.pem", surroundings)
    return Sourced(row.default)


def _of_user(variable: str, usual: str, place: str, surroundings: Surroundings) -> Sourced[Any]:
    """XDG Base Directory Specification: a relative path in these variables is to be ignored."""
    base = surroundings.environ.get(variable, "")
    if base.startswith("/"):
        return Sourced(Path(base, place), variable)
    return Sourced(surroundings.anchor.home / usual / place)


def _parse(row: Row, value: Any, anchor: Anchor, place: str) -> Any:
    try:
        return row.parse(value, anchor)
    except ValueError as error:
        raise UsageError(
            f"{place}: expected {error}, found {_without_passwords(repr(_plain(value)))[:200]}",
            hint=f'correct it or leave it out; "aptfreeze config" then tells the default of {row.key}',
        ) from error


def _without_passwords(text: str) -> str:
    return re.sub(r"//[^\s'\"]*@", "//***@", text)


# --- the file --------------------------------------------------------------------------------------------------------


def _read(path: Path, home: Path) -> dict[str, Sourced[Any]]:
    data = files.read(path)
    if data is None:
        return {}
    anchor = Anchor(path.parent, home)
    found = _rows_in(_toml(path, data), "", path)
    return {row.key: Sourced(_parse(row, value, anchor, f"{path}: {row.key}"), path.name) for row, value in found}


def _toml(path: Path, data: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        reason = f"line {line} is not UTF-8"
    except tomllib.TOMLDecodeError as error:
        reason = str(error)
    except RecursionError:  # tomllib follows nested arrays without a bound
        reason = "too deeply nested"
    merging = any(line.startswith((b"<<<<<<< ", b">>>>>>> ")) for line in data.split(b"\n"))
    hint = "an unfinished git merge: resolve it and remove its markers" if merging else "correct the line, or remove it"
    raise UsageError(f"{path} is not valid TOML: {reason}", hint=hint)


def _rows_in(tables: Mapping[str, Any], prefix: str, path: Path) -> Iterator[tuple[Row, Any]]:
    """Each value in the file with its row."""
    for name, value in tables.items():
        key = f"{prefix}{name}"
        if key in _FILE_ROWS:
            yield _FILE_ROWS[key], value
        elif not any(known.startswith(f"{key}.") for known in _FILE_ROWS):
            raise _unknown(key, path)
        elif not isinstance(value, dict):
            raise UsageError(
                f"{path}: {key}: expected a table [{key}], found {value!r:.200}",
                hint=f"settings of this kind stand below a line [{key}]",
            )
        else:
            yield from _rows_in(value, f"{key}.", path)


def _unknown(key: str, path: Path) -> UsageError:
    import difflib  # only a mistake needs it

    elsewhere = next((row for row in ROWS if row.key == key), None)
    if elsewhere is not None:
        return UsageError(
            f"{path}: {key!r} belongs to one run and cannot be set here",
            hint=f"use {elsewhere.flag} or the variable {elsewhere.env}",
        )
    sections = {known.partition(".")[0] for known in _FILE_ROWS}
    near = difflib.get_close_matches(key, [*_FILE_ROWS, *sections], n=1)
    known = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(_FILE_ROWS)}"
    return UsageError(f"{path}: unknown key {key!r:.200}", hint=known)


def _plain(value: Any) -> Any:
    """As JSON has it, and as it may be printed."""
    if isinstance(value, Exemption):
        return {name: _plain(each) for name, each in asdict(value).items() if each is not None}
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted(_plain(each) for each in value)
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, str):
        return without_password(value)
    return str(value) if isinstance(value, Path) else value
