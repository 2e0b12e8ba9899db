# SPDX-License-Identifier: MIT
"""The lock file's text: a generation, written for people and git, read without trusting either.

Rule 1: TOML, sorted by the text of the key, one line per pin: a suite that moved is a one-line diff.
Rule 2: only what `dump` writes is read; `dump(parse(text)) == text` for its own output. Whatever is wrong is a
UsageError that names the file, the key or line, what was expected and what was found.
Rule 3: the state digest is the sha256 of the text from the line `[pins]` to the end (`sed` and `sha256sum` can
compute it); id and creation time stand above that line and do not count.

The format, version 1:

    version = 1
    generation = "<32 hex digits>"
    created = 2026-11-24T07:00:00Z

    [pins]
    "host/path suite" = { inrelease = "sha256:...", suite = ..., codename = ..., date = ..., signers = [...] }
    "host/path suite" = { release = "sha256:...", release_gpg = "sha256:...", ... }
    "host/path ./" = { packages = "sha256:...", file = "Packages.gz", signers = [] }

    [extra]
    "host/path/file" = "sha256:..."

`suite`, `codename`, `date` and `release_gpg` may be missing, `signers` may be empty (a suite that was pinned without
a good signature, which aptfreeze.toml allowed). A reader refuses every key that it does not know.
"""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NoReturn

from aptfreeze.errors import UsageError
from aptfreeze.freeze.digest import Algorithm, Digest
from aptfreeze.freeze.generation import BarePackages, Generation, InRelease, Pin, ReleasePair, Root, SuiteKey

VERSION = 1
MAX_LENGTH = 16 * 1024 * 1024  # characters; a pin takes about 300

_HEADER = "# Written by aptfreeze, one line per pin; keep it in git. Exceptions go to aptfreeze.toml, never here.\n"


def dump(generation: Generation) -> str:
    """The lock file of a generation."""
    head = f'version = {VERSION}\ngeneration = "{generation.id}"\ncreated = {_time(generation.created)}\n'
    return f"{_HEADER}{head}\n{_state(generation)}"


def state_digest(generation: Generation) -> Digest:
    """The name of the content: equal for equal pins and extra lines, whatever the id and the creation time are."""
    return Digest.of(_state(generation).encode())


def pin_line(key: SuiteKey, pin: Pin) -> str:
    """The one line of a pin, as it stands in the lock file (also for messages that ask to add it)."""
    fields = [*_root_fields(pin.root)]
    if pin.suite:
        fields.append(f"suite = {_string(pin.suite)}")
    if pin.codename:
        fields.append(f"codename = {_string(pin.codename)}")
    if pin.date is not None:
        fields.append(f"date = {_time(pin.date)}")
    fields.append(f"signers = [{', '.join(map(_string, sorted(pin.signers)))}]")
    return f"{_string(str(key))} = {{ {', '.join(fields)} }}"


def _state(generation: Generation) -> str:
    pins = sorted(generation.pins.items(), key=lambda item: str(item[0]))
    lines = ["[pins]", *(pin_line(key, pin) for key, pin in pins), "", "[extra]"]
    lines += [f'{_string(url)} = "{digest}"' for url, digest in sorted(generation.extra.items())]
    return "\n".join(lines) + "\n"


def _root_fields(root: Root) -> Iterator[str]:
    match root:
        case InRelease(inrelease):
            yield f'inrelease = "{inrelease}"'
        case ReleasePair(release, release_gpg):
            yield f'release = "{release}"'
            if release_gpg is not None:
                yield f'release_gpg = "{release_gpg}"'
        case BarePackages(packages, file):
            yield f'packages = "{packages}"'
            yield f"file = {_string(file)}"


def _time(value: datetime) -> str:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


# TOML 1.0, basic strings: what must be escaped. A bare "\x7f" is a control character too.
_ESCAPED = re.compile(r'[\x00-\x1f"\\\x7f]')


def _string(text: str) -> str:
    return '"' + _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + '"'


def parse(text: str, name: str = "aptfreeze.lock") -> Generation:
    """The generation of a lock file's text; `name` is what messages call it. UsageError on anything odd."""
    if len(text) > MAX_LENGTH:
        raise UsageError(f"{name} is no lock file: it has more than {MAX_LENGTH} characters")
    _refuse_conflict_markers(text, name)
    return _Reader(name).generation(_toml(text, name))


def parse_pin(line: str, name: str) -> tuple[SuiteKey, Pin]:
    """What `pin_line` wrote; `name` is what messages call its place. UsageError on anything odd."""
    entries = _toml(line, name)
    if len(entries) != 1:
        raise UsageError(f"{name}: expected one pin in a line, found {len(entries)}: {line[:200]!r}")
    [(key, fields)] = entries.items()
    return _Reader(name).key(key), _Reader(name).pin(key, fields)


def rival(pins: Mapping[SuiteKey, Pin], key: SuiteKey, pin: Pin) -> SuiteKey | None:
    """The key of another pin that is the same suite under another name, so that the two must not stand together.

    Two pins of one repository exclude each other when the name of one is Suite or Codename in the Release of the
    other: a request by that name would have two answers.
    """
    others = ((other, held) for other, held in pins.items() if other.repository == key.repository and other != key)
    return next((other for other, held in others if other.suite in pin.names or key.suite in held.names), None)


def rivals(pins: Mapping[SuiteKey, Pin]) -> Iterator[tuple[SuiteKey, SuiteKey]]:
    """Every pair of which one is the `rival` of the other, once or twice; linear in the number of pins."""
    for key, pin in pins.items():
        others = (SuiteKey(key.repository, name) for name in sorted(pin.names - {key.suite}))
        yield from ((key, other) for other in others if other in pins)


_MARKER = re.compile(r"^(<{7}|={7}|>{7}|\|{7})(\s|$)", re.MULTILINE)


def _refuse_conflict_markers(text: str, name: str) -> None:
    if found := _MARKER.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise UsageError(
            f"{name} holds an unfinished git merge: line {line} is a conflict marker ({found[1]})",
            hint='"aptfreeze merge" merges both sides, and names the suites that they contradict each other in',
        )


def _toml(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason = str(error)
    except RecursionError:  # tomllib follows nested arrays without a bound
        reason = "too deeply nested"
    raise UsageError(f"{name} is not valid TOML: {reason}", hint=_RESTORE)


_RESTORE = 'the file is written by aptfreeze only: restore it, for example by "git checkout aptfreeze.lock"'

_FIELDS_OF_ROOT = {
    "inrelease": {"inrelease"},
    "release": {"release", "release_gpg"},
    "packages": {"packages", "file"},
}
_FIELDS_OF_PIN = {"suite", "codename", "date", "signers"}
_ID = re.compile(r"[0-9a-f]{32}")
_SIGNER = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")  # a fingerprint of OpenPGP version 4, or 6
_FILE = re.compile(r"Packages(\.[a-z0-9]+)?")
_HOST_AND_PATH = re.compile(r"[^\sA-Z/?#@]+(/[^\s/?#]+)*")
_PATH = re.compile(r"[^\s/]+(/[^\s/]+)*")
_URL = re.compile(r"(?![a-z]+://)[^\sA-Z/?#@]+/\S*")


class _Reader:
    """Checks one file's values; it exists so that every message can name the file and the key."""

    def __init__(self, name: str) -> None:
        self._name = name

    def generation(self, document: dict[str, Any]) -> Generation:
        self._check_version(document)
        self._known_keys(document, {"version", "generation", "created", "pins", "extra"}, "")
        identity = self._text(document, "generation", "")
        if not _ID.fullmatch(identity):
            self._refuse("generation", "32 lower-case hex digits", identity)
        created = self._time("created", document.get("created"))
        pins = {self.key(text): self.pin(text, value) for text, value in self._table(document, "pins").items()}
        for key, other in rivals(pins):
            raise UsageError(
                f'{self._name}: the pins "{key}" and "{other}" are one suite under two names',
                hint="remove one of the two lines; the other answers both names",
            )
        extra = {url: self._extra(url, value) for url, value in self._table(document, "extra").items()}
        return Generation(identity, created, MappingProxyType(pins), MappingProxyType(extra))

    def _check_version(self, document: dict[str, Any]) -> None:
        """First of all: nothing else of a newer format can be judged."""
        version = document.get("version")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            self._refuse("version", f"{VERSION}", version)
        if version > VERSION:
            raise UsageError(
                f"{self._name} has format version {version}, and this aptfreeze knows up to {VERSION}",
                hint="upgrade aptfreeze on this machine; the file is fine and was not touched",
            )

    def key(self, text: str) -> SuiteKey:
        repository, _, suite = text.partition(" ")
        segments = [*repository.split("/"), *([] if suite == "./" else suite.split("/"))]
        well_formed = _HOST_AND_PATH.fullmatch(repository) and (suite == "./" or _PATH.fullmatch(suite))
        if not well_formed or not {".", ".."}.isdisjoint(segments):
            self._refuse("pins", 'keys of the form "host/path suite" (lower-case host, no scheme)', text)
        return SuiteKey(repository, suite)

    def pin(self, key: str, fields: object) -> Pin:
        if not isinstance(fields, dict):
            self._refuse(key, "{ inrelease = ..., ... }", fields)
        root = self._root(key, fields)
        pin = Pin(
            root=root,
            date=self._time(f"{key}: date", fields["date"]) if "date" in fields else None,
            suite=self._text(fields, "suite", key, default=""),
            codename=self._text(fields, "codename", key, default=""),
            signers=self._signers(key, fields),
        )
        unsigned = isinstance(root, BarePackages) or (isinstance(root, ReleasePair) and root.release_gpg is None)
        if unsigned and pin.signers:
            self._refuse(f"{key}: signers", "[], since this pin has no signature", list(pin.signers))
        return pin

    def _root(self, key: str, fields: dict[str, Any]) -> Root:
        kinds = [kind for kind in _FIELDS_OF_ROOT if kind in fields]
        if len(kinds) != 1:
            self._refuse(key, f"one of {', '.join(_FIELDS_OF_ROOT)}", " and ".join(kinds) or None)
        self._known_keys(fields, _FIELDS_OF_ROOT[kinds[0]] | _FIELDS_OF_PIN, key)
        digest = self._digest(f"{key}: {kinds[0]}", fields[kinds[0]])
        if kinds[0] == "inrelease":
            return InRelease(digest)
        if kinds[0] == "release":
            signature = fields.get("release_gpg")
            return ReleasePair(digest, None if signature is None else self._digest(f"{key}: release_gpg", signature))
        file = self._text(fields, "file", key)
        if not _FILE.fullmatch(file):
            self._refuse(f"{key}: file", '"Packages" or "Packages.gz"', file)
        return BarePackages(digest, file)

    def _signers(self, key: str, fields: dict[str, Any]) -> tuple[str, ...]:
        signers = fields.get("signers")
        if not isinstance(signers, list) or not all(isinstance(s, str) and _SIGNER.fullmatch(s) for s in signers):
            self._refuse(f"{key}: signers", "a list of fingerprints in upper-case hex", signers)
        return tuple(sorted(set(signers)))

    def _extra(self, url: str, value: object) -> Digest:
        if not _URL.fullmatch(url):
            self._refuse("extra", "keys of the form host/path/file, without scheme", url)
        return self._digest(url, value)

    def _digest(self, where: str, value: object) -> Digest:
        try:
            digest = Digest.parse(value) if isinstance(value, str) else None
        except ValueError:
            digest = None
        if digest is None or digest.algorithm is not Algorithm.SHA256:
            self._refuse(where, '"sha256:" and 64 lower-case hex digits', value)
        return digest

    def _text(self, table: dict[str, Any], key: str, within: str, default: str | None = None) -> str:
        value = table.get(key, default)
        if not isinstance(value, str):
            self._refuse(_place(within, key), "text in quotes", value)
        return value

    def _time(self, where: str, value: object) -> datetime:
        if not isinstance(value, datetime) or value.utcoffset() is None or value.microsecond:
            self._refuse(where, "a time in UTC and whole seconds, as 2026-11-24T07:00:00Z", value)
        try:
            return value.astimezone(UTC)
        except OverflowError:
            self._refuse(where, "a time from year 1 to 9999 in UTC", value)

    def _table(self, document: dict[str, Any], key: str) -> dict[str, Any]:
        value = document.get(key, {})
        if not isinstance(value, dict):
            self._refuse(key, f"a table [{key}]", value)
        return value

    def _known_keys(self, table: dict[str, Any], known: Collection[str], within: str) -> None:
        for key in table:
            if key not in known:
                raise UsageError(
                    f"{self._name}: unknown key {_place(within, key)!r}; known here: {', '.join(sorted(known))}",
                    hint=_RESTORE,
                )

    def _refuse(self, where: str, expected: str, found: object) -> NoReturn:
        told = "nothing" if found is None else repr(found) if isinstance(found, str) else str(found)
        raise UsageError(f"{self._name}: {where}: expected {expected}, found {told[:200]}", hint=_RESTORE)


def _place(within: str, key: str) -> str:
    return f"{within}: {key}" if within else key
