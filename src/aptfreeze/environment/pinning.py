# SPDX-License-Identifier: MIT
"""A suite's first pin: fetch what a mirror signs, check signature and freshness, put it into the archive.

Rule 1: the clock counts here and in `update`, and nowhere else: what is pinned stays good for ever.
Rule 2: the mirrors are asked in turn, first each of them once, then patiently, until one has a Release that passes
every check; what the others did wrong is told only if none does, a refusal before a failure.
Rule 3: only the verified text counts; nothing outside a signature is ever read.
Rule 4: a dated state is pinned because somebody named its time: its age is no reason against it then, nor a key that
has expired since it signed.
Rule 5: this module says what a pin would be; that it becomes one is `store`'s affair (compare and swap).
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from aptfreeze.archive.objects import Objects
from aptfreeze.deb.deb822 import ParseError
from aptfreeze.deb.paths import quoted
from aptfreeze.deb.release import Release
from aptfreeze.errors import AptfreezeError, MissingUpstreamError, OfflineError, RefusedError, UpstreamError
from aptfreeze.fetch.mirrors import Mirrors
from aptfreeze.fetch.snapshots import Snapshots
from aptfreeze.fetch.states import timestamp
from aptfreeze.freeze.digest import Algorithm, Digest
from aptfreeze.freeze.generation import BarePackages, InRelease, Pin, ReleasePair, Root, SuiteKey
from aptfreeze.freeze.outcome import relative_to_suite
from aptfreeze.settings import TrustSettings
from aptfreeze.trust import clearsign, freshness
from aptfreeze.trust.keyring import Keyring
from aptfreeze.trust.openpgp import Verified, Verifier
from aptfreeze.trust.refusal import Reason, SignatureRefused
from aptfreeze.values import immutable

Fetch = Callable[[str, bool], bytes]
"""The bytes at a url; raises UpstreamError, and MissingUpstreamError for a 404. True: be patient with a mirror that
fails in passing; False: another one is left to ask."""


@immutable
class Candidate:
    """A pin that passed every check; its objects are in the archive; it belongs to no generation yet."""

    pin: Pin
    release: Release | None
    """None for a bare package list."""
    remark: str
    """By which right it was let in, and how old it is: for the message."""


@immutable
class _Files:
    """What one mirror has of a suite's root, unverified."""

    name: str
    data: bytes
    signature: bytes | None = None
    """Beside a Release; None if the mirror has none."""

    @property
    def root(self) -> Root:
        digest = Digest.of(self.data)
        if self.name == "InRelease":
            return InRelease(digest)
        if self.name == "Release":
            return ReleasePair(digest, None if self.signature is None else Digest.of(self.signature))
        return BarePackages(digest, self.name)


@immutable
class Judges:
    """Who decides whether a state may be pinned."""

    trust: TrustSettings
    verifier: Callable[[], Verifier]
    """Made when the first signature is to be verified."""
    keyrings: Callable[[str], Sequence[Keyring]]
    """Those that count for a repository."""
    now: Callable[[], datetime]
    """Aware UTC."""


class Pinning:
    """Makes candidates. Blocks: runs in threads. Holds no state of its own."""

    def __init__(
        self,
        objects: Objects,
        mirrors: Mirrors,
        snapshots: Snapshots,
        fetch: Fetch,
        judges: Judges,
        *,
        offline: bool = False,
    ) -> None:
        self._objects = objects
        self._mirrors = mirrors
        self._snapshots = snapshots
        self._fetch = fetch
        self._judges = judges
        self._offline = offline

    def candidate(self, key: SuiteKey, asked: str) -> Candidate:
        """What a pin of `key` would be now, from the first mirror whose state passes; `asked` is the file's name.

        Raises MissingUpstreamError if every mirror says that there is no such suite, RefusedError, UpstreamError.
        """
        if self._offline:
            raise OfflineError(
                f"{key} is not pinned, and --offline forbids to fetch its {asked}",
                hint="run once without --offline: that pins it",
            )
        count = len(self._urls(key, asked))
        failures: list[AptfreezeError] = []
        for is_patient in (False, True) if count > 1 else (True,):
            for place in range(count):
                try:
                    return self._judged(key, self._files(asked, partial(self._get, key, place, is_patient)))
                except (UpstreamError, RefusedError) as failure:
                    failures.append(failure)
            if all(isinstance(failure, MissingUpstreamError | RefusedError) for failure in failures):
                break  # patience changes no such answer
        raise min(failures, key=_weight)

    def dated(self, key: SuiteKey, at: datetime, origin: str | None) -> Candidate:
        """What a pin of `key` would have been at `at` (aware UTC), from who keeps the states of its repository.

        `origin` is what the suite's Release says, None if nobody knows. RefusedError if nobody keeps states of the
        repository, or if the state does not pass; MissingUpstreamError if there is none of that time; UpstreamError.
        """
        if self._offline:
            raise OfflineError(
                f"the state of {key} at {_moment_text(at)} is with a snapshot service, and --offline forbids to ask it",
                hint="run once without --offline",
            )
        archive, state = self._snapshots.archive(key, origin), timestamp(at)
        try:
            files = self._files(
                "InRelease", lambda name: self._fetch(archive.file(state, relative_to_suite(key, name)), True)
            )
        except MissingUpstreamError as error:
            message = f"{archive.url} has no {key.suite} of {_moment_text(at)} ({error.message})"
            raise MissingUpstreamError(message) from error
        return self._judged(key, files, at)

    def single(self, url: str) -> Digest:
        """A file outside every chain, by its raw url without scheme; raises MissingUpstreamError, UpstreamError."""
        if self._offline:
            raise OfflineError(
                f"the single file {url} is not pinned, and --offline forbids to fetch it",
                hint="run once without --offline: that pins it",
            )
        digest = self._objects.put(self._fetch(self._mirrors.single_url(url), True))
        self._objects.sync()
        return digest

    # --- fetching ---

    def _urls(self, key: SuiteKey, name: str) -> tuple[str, ...]:
        return self._mirrors.urls(key.repository, quoted(relative_to_suite(key, name)))

    def _get(self, key: SuiteKey, place: int, is_patient: bool, name: str) -> bytes:
        return self._fetch(self._urls(key, name)[place], is_patient)

    def _files(self, asked: str, get: Callable[[str], bytes]) -> _Files:
        """InRelease, else Release with its signature, else (where that was asked) a flat suite's package list.

        `get` asks one mirror for all of them: two may be in different states.
        """
        try:
            return _Files("InRelease", get("InRelease"))
        except MissingUpstreamError:
            pass
        try:
            release = get("Release")
        except MissingUpstreamError:
            if not asked.startswith("Packages"):
                raise
            return _Files(asked, get(asked))
        try:
            return _Files("Release", release, get("Release.gpg"))
        except MissingUpstreamError:
            return _Files("Release", release)

    # --- judging ---

    def _judged(self, key: SuiteKey, files: _Files, at: datetime | None = None) -> Candidate:
        """`at`: the time that somebody named; None: now."""
        may_be_old = at is not None or str(key) in self._judges.trust.expired
        verified, remark = self._verified(key, files, expired_keys=may_be_old)
        if isinstance(files.root, BarePackages):
            self._store(files, verified)
            return Candidate(Pin(files.root, None), None, remark)
        release = _parsed(key, verified.payload)
        if verified.signers and not _is_strong(release):
            verified, remark = self._weak(key, verified)
        if not verified.signers:
            files = _without_signature(files)
        age = self._age(key, release, is_allowed=may_be_old)
        if at is not None:
            _refuse_later(key, release, at)
            age = f"the state of {_moment_text(at)}, {age}"
        self._store(files, verified)
        pin = Pin(files.root, release.date, release.suite, release.codename, verified.signers)
        return Candidate(pin, release, f"{remark}, {age}")

    def _verified(self, key: SuiteKey, files: _Files, *, expired_keys: bool) -> tuple[Verified, str]:
        """The signed text and who signed it; without signers if the configuration waives the signature."""
        try:
            verified = self._by_signature(key, files, expired_keys=expired_keys)
            return verified, f"signed by {', '.join(verified.signers)}"
        except SignatureRefused as refused:
            if str(key) not in self._judges.trust.unsigned:
                raise refused.about(f"{files.name} of {key}") from refused
            return self._waived(key, files), f"unsigned, as [trust] unsigned allows ({refused.message})"

    def _waived(self, key: SuiteKey, files: _Files) -> Verified:
        """The text that counts where the configuration waives the signature."""
        if files.name != "InRelease":
            return Verified(files.data, ())
        try:
            return Verified(clearsign.parse(files.data).payload, ())
        except clearsign.FramingError as error:
            message = f"InRelease of {key}: not one clear-signed block: {error}"
            raise SignatureRefused(message, Reason.NOT_SIGNED, hint="the mirror must serve Release instead") from error

    def _by_signature(self, key: SuiteKey, files: _Files, *, expired_keys: bool) -> Verified:
        keyrings, now = self._judges.keyrings(key.repository), self._judges.now()
        if files.name == "InRelease":
            return self._judges.verifier().verify_clearsigned(files.data, keyrings, now=now, expired_keys=expired_keys)
        if files.signature is None:
            raise SignatureRefused("not signed: the mirror has no signature of it", Reason.NOT_SIGNED)
        return self._judges.verifier().verify_detached(
            files.data, files.signature, keyrings, now=now, expired_keys=expired_keys
        )

    def _weak(self, key: SuiteKey, verified: Verified) -> tuple[Verified, str]:
        """MD5 and SHA1 can be forged: a signature over nothing else counts as none."""
        message = "lists its files by MD5 or SHA1 only, which counts as unsigned"
        if str(key) not in self._judges.trust.unsigned:
            raise SignatureRefused(f"the Release of {key} {message}", Reason.WEAK)
        return Verified(verified.payload, ()), f"unsigned, as [trust] unsigned allows ({message})"

    def _age(self, key: SuiteKey, release: Release, *, is_allowed: bool) -> str:
        try:
            age = freshness.check(release.date, release.valid_until, self._judges.now(), expired_allowed=is_allowed)
        except RefusedError as refused:
            raise RefusedError(f"the Release of {key}: {refused.message}", hint=refused.hint) from refused
        return _age_text(age, has_end=release.valid_until is not None)

    def _store(self, files: _Files, verified: Verified) -> None:
        """The root's files, and the text of an InRelease, which is served as Release."""
        for data in (files.data, files.signature, verified.payload):
            if data is not None:
                self._objects.put(data)
        self._objects.sync()


def _parsed(key: SuiteKey, payload: bytes) -> Release:
    try:
        return Release.parse(payload)
    except ParseError as error:
        raise RefusedError(f"the signed Release of {key} cannot be read: {error}") from error


def _refuse_later(key: SuiteKey, release: Release, at: datetime) -> None:
    """The answer to a time before a service's first state, or of a proxy that does not know what it passes on."""
    if release.date is not None and release.date > at:
        raise RefusedError(
            f"the Release of {key} for {_moment_text(at)} is of {_moment_text(release.date)}, which is later",
            hint="name a later date",
        )


def _moment_text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _is_strong(release: Release) -> bool:
    hashes = [name for file in release.files.values() for name in file.hashes]
    return not hashes or any(Algorithm(name).is_strong for name in hashes)


def _without_signature(files: _Files) -> _Files:
    """A signature that does not count is not served either: a client would only stumble over it."""
    return _Files(files.name, files.data) if files.name == "Release" else files


def _age_text(age: timedelta | None, *, has_end: bool) -> str:
    if age is None:
        return "without a date"
    text = f"{age.days} days old" if age.days != 1 else "1 day old"
    return text if has_end else f"{text} (it has no Valid-Until)"


def _weight(failure: AptfreezeError) -> int:
    """What to tell of several mirrors' failures: a refusal first, "there is no such file" last."""
    if isinstance(failure, RefusedError):
        return 0
    return 2 if isinstance(failure, MissingUpstreamError) else 1
