# SPDX-License-Identifier: MIT
"""What a rot check found: which used files are held, where else they are, and what ends when; as text and as data.

Rule 1: what is held nowhere is the only loss; what mirrors have dropped and the archive holds is worth knowing.
Rule 2: without a record nobody knows what was used: that is never told as "all held".
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from aptfreeze.describe.amounts import age_text, counted, size_text
from aptfreeze.describe.closure import Part, Piece
from aptfreeze.environment.trustcheck import SignerKey, TrustCheck, Verdict
from aptfreeze.errors import IntegrityError
from aptfreeze.fetch.inquiry import Presence, Where
from aptfreeze.freeze.generation import SuiteKey
from aptfreeze.values import immutable

_SOON = timedelta(days=90)
"""An end that is as near is told as a warning."""
_NAMES = 3


@immutable
class FileState:
    """One used file, as the check found it."""

    piece: Piece
    is_held: bool
    is_damaged: bool = False
    """Whether the archive held other bytes under its name; they are in quarantine, and it counts as not held."""
    elsewhere: Presence = Presence(Where.UNASKED)

    @property
    def is_lost(self) -> bool:
        """Whether nobody is known who has it."""
        return not self.is_held and self.elsewhere.where is not Where.FOUND


@immutable
class SuiteRot:
    """One pinned suite."""

    key: SuiteKey
    trust: TrustCheck
    valid_until: datetime | None
    """Of the pinned Release: as long apt accepts it by itself; None: for ever, or the Release is not at hand."""
    files: tuple[FileState, ...]


@immutable
class Rot:
    """All of one generation."""

    suites: tuple[SuiteRot, ...]
    others: tuple[FileState, ...]
    """Single files, and files of suites that are not pinned any more."""
    sessions: int
    """That tell what was used."""
    is_hashed: bool
    """Whether the bytes of all files were looked at, not only their sizes."""
    mirrors_asked: bool
    now: datetime

    @property
    def files(self) -> tuple[FileState, ...]:
        return (*(each for suite in self.suites for each in suite.files), *self.others)

    @property
    def lost(self) -> list[FileState]:
        return [each for each in self.files if each.is_lost]

    @property
    def is_unknown(self) -> bool:
        """Whether no record tells what was used."""
        return not self.sessions and bool(self.suites)

    @property
    def exit_status(self) -> int:
        is_bad = any(suite.trust.verdict is Verdict.BAD for suite in self.suites)
        return IntegrityError.exit_code if self.lost or self.is_unknown or is_bad else 0

    # --- for people ---

    def lines(self) -> Iterator[str]:
        mirrors = "mirrors were asked" if self.mirrors_asked else "no mirror was asked"
        yield f"checked: {'every byte' if self.is_hashed else 'every size'} in the archive; {mirrors}"
        for suite in self.suites:
            yield f"{suite.key}"
            yield f"  signature: {suite.trust.text}"
            yield from (f"  {line}" for line in _end_lines(suite, self.now))
            yield from (f"  {line}" for line in _file_lines(suite.files, self.mirrors_asked))
        if self.others:
            yield "other files"
            yield from (f"  {line}" for line in _file_lines(self.others, self.mirrors_asked))
        yield from self._result()

    def _result(self) -> Iterator[str]:
        if self.is_unknown:
            yield "no run of this generation is recorded: what it used is not known, and only pinned files were checked"
            yield "Hint: run the build once (aptfreeze run -- COMMAND)"
        elif self.lost:
            yield f"{counted(len(self.lost), 'file')} that builds used: nobody is known who has them"
            yield "Hint: aptfreeze fetch asks snapshot services; fetch --offline --archive DIR tells of another archive"
        elif fetchable := [each for each in self.files if not each.is_held]:
            yield f"{counted(len(fetchable), 'file')} that builds used: only mirrors have them, as long as they like"
            yield "Hint: aptfreeze fetch"
        else:
            yield "everything that builds used is archived"

    # --- for programs ---

    def data(self) -> dict[str, Any]:
        """The value of `check` in `status --json`."""
        return {
            "suites": [self._suite_data(suite) for suite in self.suites],
            "other_files": _files_data(self.others),
            "recorded": not self.is_unknown,
            "hashed": self.is_hashed,
            "mirrors_asked": self.mirrors_asked,
            "exit_status": self.exit_status,
        }

    def _suite_data(self, suite: SuiteRot) -> dict[str, Any]:
        trust = suite.trust
        return {
            "repository": suite.key.repository,
            "suite": suite.key.suite,
            "signature": trust.verdict,
            "signature_text": trust.text,
            "expired_since": trust.since.isoformat() if trust.since else None,
            "keys": [
                {"fingerprint": each.fingerprint, "known": each.is_known, "expires": _iso(each.expires)}
                for each in trust.keys
            ],
            "valid_until": _iso(suite.valid_until),
            "files": _files_data(suite.files),
        }


def _end_lines(suite: SuiteRot, now: datetime) -> Iterator[str]:
    for key in suite.trust.keys:
        yield from _key_lines(key, now)
    if suite.valid_until is None:
        return
    until = f"Valid-Until {suite.valid_until:%Y-%m-%d %H:%M} UTC"
    if suite.valid_until > now:
        yield f'{until}: apt outside of "aptfreeze run" accepts it for {age_text(suite.valid_until - now)} more'
    else:
        yield f'{until}: apt outside of "aptfreeze run" refuses it since {age_text(now - suite.valid_until)}'


def _key_lines(key: SignerKey, now: datetime) -> Iterator[str]:
    if not key.is_known:
        yield f"key {key.fingerprint} is in none of today's keyrings"
    elif key.expires is not None and key.expires > now:
        warning = "EXPIRES SOON: " if key.expires - now < _SOON else ""
        yield f"{warning}key {key.fingerprint} expires {key.expires:%Y-%m-%d}, in {age_text(key.expires - now)}"
    elif key.expires is not None:
        yield f"key {key.fingerprint} expired {key.expires:%Y-%m-%d}"


def _file_lines(files: Sequence[FileState], mirrors_asked: bool) -> Iterator[str]:
    held = [each for each in files if each.is_held]
    size = sum(each.piece.size or 0 for each in held)
    line = f"{counted(len(files), 'file')} used: {len(held)} archived ({size_text(size)})"
    if mirrors_asked:
        line += f", {sum(each.elsewhere.where is Where.FOUND for each in files)} on mirrors"
    yield line
    for each in files:
        if not each.is_held:
            yield _missing_line(each)
    gone = [each.piece.name for each in sorted(held, key=_packages_first) if each.elsewhere.where is Where.GONE]
    if gone:
        more = f" and {len(gone) - _NAMES} more" if len(gone) > _NAMES else ""
        yield f"gone from every mirror, but archived here: {', '.join(gone[:_NAMES])}{more}"


def _packages_first(each: FileState) -> bool:
    """A mirror that moves on always has another InRelease; that it has no package any more is worth knowing."""
    return each.piece.part not in (Part.PACKAGE, Part.SOURCE)


def _missing_line(each: FileState) -> str:
    how = "DAMAGED in the archive" if each.is_damaged else "NOT archived"
    what = f"{each.piece.part} {each.piece.name} ({each.piece.path})"
    match each.elsewhere.where:
        case Where.FOUND:
            return f"{how}, but on a mirror: {what}"
        case Where.GONE:
            return f"{how}, and gone from every mirror: {what}"
        case Where.UNKNOWN:
            return f"{how}, and mirrors cannot tell: {what}: {each.elsewhere.detail}"
        case Where.UNASKED:
            return f"{how}: {what}"


def _files_data(files: Sequence[FileState]) -> dict[str, Any]:
    return {
        "used": len(files),
        "archived": sum(each.is_held for each in files),
        "on_mirrors": sum(each.elsewhere.where is Where.FOUND for each in files),
        "missing": [_file_data(each) for each in files if not each.is_held],
        "only_here": [each.piece.name for each in files if each.is_held and each.elsewhere.where is Where.GONE],
    }


def _file_data(each: FileState) -> dict[str, Any]:
    return {
        "part": each.piece.part,
        "name": each.piece.name,
        "path": each.piece.path,
        "digest": str(each.piece.forms[0].wanted.digest),
        "size": each.piece.size,
        "damaged": each.is_damaged,
        "mirrors": each.elsewhere.where,
        "reason": each.elsewhere.detail,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
