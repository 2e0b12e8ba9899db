# SPDX-License-Identifier: MIT
"""What may be pinned: real signatures by a throw-away key, mirrors that are a dict, a clock that stands still."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aptfreeze.archive.objects import Objects
from aptfreeze.environment.pinning import Candidate, Judges, Pinning
from aptfreeze.errors import MissingUpstreamError, OfflineError, RefusedError, UpstreamError
from aptfreeze.fetch.mirrors import Mirrors
from aptfreeze.fetch.snapshots import Snapshots
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import BarePackages, InRelease, ReleasePair, SuiteKey
from aptfreeze.settings import MirrorSettings, SnapshotSettings, TrustSettings
from aptfreeze.trust.backends import backend
from aptfreeze.trust.keyring import Keyring
from aptfreeze.trust.refusal import Reason, SignatureRefused
from support.signing import SigningKey, throwaway_key

REPOSITORY = "mirror.example.org/debian"
BOOKWORM = SuiteKey(REPOSITORY, "bookworm")
FLAT = SuiteKey("mirror.example.org/flat", "./")
FIRST, SECOND = "http://mirror.example.org/debian", "http://second.example.org/debian"
KEPT = "http://snapshot.example.org/archive/debian"
SUITE = "/dists/bookworm"
NOW = datetime.now(UTC).replace(microsecond=0)


def release(
    *, age: timedelta = timedelta(days=1), valid_for: timedelta | None = None, algorithm: str = "SHA256"
) -> bytes:
    date = NOW - age
    lines = ["Suite: oldstable", "Codename: bookworm", f"Date: {date:%a, %d %b %Y %H:%M:%S} UTC"]
    if valid_for is not None:
        lines.append(f"Valid-Until: {date + valid_for:%a, %d %b %Y %H:%M:%S} UTC")
    size = {"MD5Sum": 32, "SHA256": 64}[algorithm]
    return "\n".join([*lines, f"{algorithm}:", f" {'a' * size} 7 main/binary-amd64/Packages", ""]).encode()


@dataclass
class World:
    """Two mirrors of one repository, by url to bytes (or to the error that they answer with)."""

    objects: Objects
    key: SigningKey
    files: dict[str, bytes | UpstreamError] = field(default_factory=dict)
    trust: TrustSettings = field(default_factory=TrustSettings)
    mirrors: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {REPOSITORY: (FIRST, SECOND)})
    snapshot: SnapshotSettings = field(default_factory=lambda: SnapshotSettings(archives={REPOSITORY: KEPT}))
    asked: list[str] = field(default_factory=list)
    patience: list[bool] = field(default_factory=list)
    """Whether each fetch was to try again."""
    ahead: timedelta = timedelta()
    """How much later it is."""
    trusted: SigningKey | None = None
    """Whose signatures count, if not those of `key`."""

    def fetch(self, url: str, is_patient: bool) -> bytes:
        self.asked.append(url)
        self.patience.append(is_patient)
        found = self.files.get(url, MissingUpstreamError(f"{url}: HTTP 404"))
        if isinstance(found, UpstreamError):
            raise found
        return found

    def pinning(self, *, offline: bool = False) -> Pinning:
        keyring = Keyring.parse("test", (self.trusted or self.key).keyring.read_bytes())
        # The clock as it is, since gpg signs by it; NOW may be long past when the whole suite runs.
        judges = Judges(self.trust, backend, lambda repository: (keyring,), lambda: datetime.now(UTC) + self.ahead)
        return Pinning(
            self.objects,
            Mirrors(MirrorSettings(self.mirrors)),
            Snapshots(self.snapshot),
            self.fetch,
            judges,
            offline=offline,
        )

    def dated(self, at: datetime, origin: str | None = None) -> Candidate:
        return self.pinning().dated(BOOKWORM, at, origin)

    def candidate(self, key: SuiteKey = BOOKWORM, asked: str = "InRelease") -> Candidate:
        return self.pinning().candidate(key, asked)

    def publish(self, data: bytes, base: str = FIRST + SUITE) -> bytes:
        """An InRelease on a mirror."""
        signed = self.key.clearsign(data)
        self.files[f"{base}/InRelease"] = signed
        return signed


@pytest.fixture
def world(tmp_path: Path, signing_key: SigningKey) -> World:
    return World(Objects(tmp_path / "archive"), signing_key)


# --- what is pinned --------------------------------------------------------------------------------------------------


def test_an_inrelease_with_a_good_signature(world: World) -> None:
    text = release()
    signed = world.publish(text)

    found = world.candidate()

    assert found.pin.root == InRelease(Digest.of(signed))
    assert (found.pin.suite, found.pin.codename, found.pin.signers) == (
        "oldstable",
        "bookworm",
        (world.key.fingerprint,),
    )
    assert found.pin.date == NOW - timedelta(days=1)
    assert found.remark == f"signed by {world.key.fingerprint}, 1 day old (it has no Valid-Until)"
    assert world.objects.has(Digest.of(signed))
    assert world.objects.has(Digest.of(text))  # it is served as Release


def test_a_release_with_its_signature_where_there_is_no_inrelease(world: World) -> None:
    text = release(valid_for=timedelta(days=7))
    signature = world.key.detached(text)
    world.files |= {f"{FIRST}{SUITE}/Release": text, f"{FIRST}{SUITE}/Release.gpg": signature}

    found = world.candidate()

    assert found.pin.root == ReleasePair(Digest.of(text), Digest.of(signature))
    assert found.remark == f"signed by {world.key.fingerprint}, 1 day old"
    assert world.objects.has(Digest.of(signature))


def test_what_is_pinned_is_read_from_the_signed_text_only(world: World) -> None:
    world.files[f"{FIRST}{SUITE}/InRelease"] = b"Codename: evil\n" + world.key.clearsign(release())

    with pytest.raises(RefusedError):
        world.candidate()


def test_unsigned_where_the_configuration_allows_it(world: World) -> None:
    world.trust = TrustSettings(unsigned=frozenset({str(BOOKWORM)}))
    world.files[f"{FIRST}{SUITE}/Release"] = text = release()

    found = world.candidate()

    assert (found.pin.root, found.pin.signers) == (ReleasePair(Digest.of(text), None), ())
    assert found.remark.startswith("unsigned, as [trust] unsigned allows (not signed")


def test_a_signature_that_is_waived_is_not_pinned_beside_its_release(world: World, stranger_key: SigningKey) -> None:
    world.trust = TrustSettings(unsigned=frozenset({str(BOOKWORM)}))
    text = release()
    world.files |= {f"{FIRST}{SUITE}/Release": text, f"{FIRST}{SUITE}/Release.gpg": stranger_key.detached(text)}

    assert world.candidate().pin.root == ReleasePair(Digest.of(text), None)


def test_an_inrelease_whose_signature_is_waived_stays_one_without_signers(
    world: World, stranger_key: SigningKey
) -> None:
    world.trust = TrustSettings(unsigned=frozenset({str(BOOKWORM)}))
    world.files[f"{FIRST}{SUITE}/InRelease"] = signed = stranger_key.clearsign(release())

    pin = world.candidate().pin

    assert (pin.root, pin.signers, pin.codename) == (InRelease(Digest.of(signed)), (), "bookworm")


def test_a_bare_package_list_of_a_flat_repository(world: World) -> None:
    world.trust = TrustSettings(unsigned=frozenset({str(FLAT)}))
    world.files["http://mirror.example.org/flat/Packages.gz"] = b"packed"

    found = world.candidate(FLAT, "Packages.gz")

    assert found.pin.root == BarePackages(Digest.of(b"packed"), "Packages.gz")
    assert (found.release, found.pin.date, found.pin.signers) == (None, None, ())


def test_an_expired_release_where_the_configuration_allows_it(world: World) -> None:
    world.publish(release(age=timedelta(days=30), valid_for=timedelta(days=7)))
    world.trust = TrustSettings(expired=frozenset({str(BOOKWORM)}))

    assert world.candidate().remark.endswith("30 days old")


# --- what is refused -------------------------------------------------------------------------------------------------


def test_the_key_of_a_stranger(world: World, stranger_key: SigningKey) -> None:
    world.publish(release())
    world.trusted = stranger_key

    with pytest.raises(SignatureRefused, match=f"InRelease of {BOOKWORM}: ") as refused:
        world.candidate()
    assert refused.value.reason is Reason.UNKNOWN_KEY
    assert "[trust] keyrings" in (refused.value.hint or "")


def test_a_text_that_was_changed_after_signing(world: World) -> None:
    world.files[f"{FIRST}{SUITE}/InRelease"] = world.publish(release()).replace(b"oldstable", b"newstable")

    with pytest.raises(SignatureRefused) as refused:
        world.candidate()
    assert refused.value.reason is Reason.BAD
    assert not world.objects.has(Digest.of(release()))


def test_a_release_without_a_signature(world: World) -> None:
    world.files[f"{FIRST}{SUITE}/Release"] = release()

    with pytest.raises(SignatureRefused, match="not signed: the mirror has no signature of it") as refused:
        world.candidate()
    assert "[trust] unsigned" in (refused.value.hint or "")


def test_a_package_list_without_a_release(world: World) -> None:
    world.files["http://mirror.example.org/flat/Packages.gz"] = b"packed"

    with pytest.raises(SignatureRefused, match=rf"Packages.gz of {FLAT}: not signed"):
        world.candidate(FLAT, "Packages.gz")


def test_an_inrelease_that_is_no_signed_text_even_where_signatures_are_waived(world: World) -> None:
    world.trust = TrustSettings(unsigned=frozenset({str(BOOKWORM)}))
    world.files[f"{FIRST}{SUITE}/InRelease"] = b"<html>please log in</html>"

    with pytest.raises(SignatureRefused, match=f"InRelease of {BOOKWORM}: not one clear-signed block"):
        world.candidate()


def test_a_release_that_lists_its_files_by_md5_only(world: World) -> None:
    world.publish(release(algorithm="MD5Sum"))

    with pytest.raises(SignatureRefused, match=f"the Release of {BOOKWORM} lists its files by MD5 or SHA1 only"):
        world.candidate()

    world.trust = TrustSettings(unsigned=frozenset({str(BOOKWORM)}))
    found = world.candidate()
    assert found.pin.signers == ()
    assert found.remark.startswith("unsigned, as [trust] unsigned allows (lists its files by MD5")


def test_a_replayed_release_that_has_expired(world: World) -> None:
    world.publish(release(age=timedelta(days=30), valid_for=timedelta(days=7)))

    with pytest.raises(RefusedError, match=rf"the Release of {BOOKWORM}: expired .*, and it is") as refused:
        world.candidate()
    assert "[trust] expired" in (refused.value.hint or "")


def test_a_release_from_the_future(world: World) -> None:
    world.files[f"{FIRST}{SUITE}/InRelease"] = world.key.clearsign(release(age=timedelta(days=-2)))

    with pytest.raises(RefusedError, match="is in the future"):
        world.candidate()


def test_a_signed_text_that_is_no_release(world: World) -> None:
    world.publish(b"Suite: x\nDate: yesterday\n")

    with pytest.raises(RefusedError, match=f"the signed Release of {BOOKWORM} cannot be read"):
        world.candidate()


# --- several mirrors -------------------------------------------------------------------------------------------------


def test_the_next_mirror_is_asked_after_one_that_failed_or_was_refused(world: World, stranger_key: SigningKey) -> None:
    good = world.publish(release(), SECOND + SUITE)
    for bad in (UpstreamError("HTTP 502"), stranger_key.clearsign(release()), b"<html>"):
        world.files[f"{FIRST}{SUITE}/InRelease"] = bad

        assert world.candidate().pin.root == InRelease(Digest.of(good))


def test_all_files_of_a_pin_come_from_one_mirror(world: World) -> None:
    # The first mirror has a Release and no signature; that of the second is of another state.
    text = release()
    signature = world.key.detached(text)
    world.files[f"{FIRST}{SUITE}/Release"] = release(age=timedelta(days=2))
    world.files |= {f"{SECOND}{SUITE}/Release": text, f"{SECOND}{SUITE}/Release.gpg": signature}

    assert world.candidate().pin.root == ReleasePair(Digest.of(text), Digest.of(signature))


def test_nobody_is_patient_with_a_mirror_that_is_away_while_another_is_left(world: World) -> None:
    world.files[f"{FIRST}{SUITE}/InRelease"] = UpstreamError("connection refused")
    world.publish(release(), SECOND + SUITE)

    world.candidate()

    assert world.patience == [False, False]


def test_when_all_mirrors_failed_they_are_asked_again_patiently(world: World) -> None:
    for base in (FIRST, SECOND):
        world.files[f"{base}{SUITE}/InRelease"] = UpstreamError(f"{base}: connection refused")

    with pytest.raises(UpstreamError, match="connection refused"):
        world.candidate()

    assert world.patience == [False, False, True, True]


@pytest.mark.parametrize("order", [(FIRST, SECOND), (SECOND, FIRST)])
def test_a_refusal_tells_more_than_a_failure_and_a_failure_more_than_a_404(
    world: World, order: tuple[str, str], stranger_key: SigningKey
) -> None:
    failing, silent = order
    world.files[f"{failing}{SUITE}/InRelease"] = UpstreamError("HTTP 502")
    with pytest.raises(UpstreamError, match="HTTP 502"):
        world.candidate()

    world.files[f"{silent}{SUITE}/InRelease"] = stranger_key.clearsign(release())
    with pytest.raises(SignatureRefused):
        world.candidate()


def test_no_mirror_has_the_suite(world: World) -> None:
    with pytest.raises(MissingUpstreamError):
        world.candidate()
    assert world.asked == [f"{base}{SUITE}/{name}" for base in (FIRST, SECOND) for name in ("InRelease", "Release")]


# --- dated states ----------------------------------------------------------------------------------------------------

A_MONTH_AGO = NOW - timedelta(days=30)
STATE = f"{KEPT}/{A_MONTH_AGO:%Y%m%dT%H%M%SZ}{SUITE}"


def test_a_dated_state_is_pinned_although_its_time_is_over(world: World) -> None:
    text = release(age=timedelta(days=31), valid_for=timedelta(days=7))
    signed = world.publish(text, STATE)

    found = world.dated(A_MONTH_AGO)

    assert found.pin.root == InRelease(Digest.of(signed))
    assert found.pin.date == NOW - timedelta(days=31)
    assert found.remark == (
        f"signed by {world.key.fingerprint}, the state of {A_MONTH_AGO:%Y-%m-%d %H:%M:%S} UTC, 31 days old"
    )
    assert world.objects.has(Digest.of(signed))
    assert world.asked == [f"{STATE}/InRelease"]


def test_an_old_state_may_have_a_release_and_its_signature_only(world: World) -> None:
    text = release(age=timedelta(days=31))
    signature = world.key.detached(text)
    world.files |= {f"{STATE}/Release": text, f"{STATE}/Release.gpg": signature}

    assert world.dated(A_MONTH_AGO).pin.root == ReleasePair(Digest.of(text), Digest.of(signature))


def test_a_dated_state_must_be_signed_as_any(world: World, stranger_key: SigningKey) -> None:
    world.files[f"{STATE}/InRelease"] = stranger_key.clearsign(release(age=timedelta(days=31)))

    with pytest.raises(SignatureRefused, match=f"InRelease of {BOOKWORM}"):
        world.dated(A_MONTH_AGO)


def test_a_key_that_has_expired_since_is_good_for_a_dated_state_only(world: World) -> None:
    with throwaway_key(lives="1y") as key:
        world.key = key
        signed = world.publish(release(age=timedelta(days=31)), STATE)
        world.files[f"{FIRST}{SUITE}/InRelease"] = signed
        world.ahead = timedelta(days=400)

        with pytest.raises(SignatureRefused, match="which expired"):
            world.candidate()
        assert world.dated(A_MONTH_AGO).pin.signers == (key.fingerprint,)


def test_a_state_from_after_the_date_is_refused(world: World) -> None:
    world.publish(release(age=timedelta(days=29)), STATE)

    with pytest.raises(RefusedError, match=rf"the Release of {BOOKWORM} for .* is of .*, which is later"):
        world.dated(A_MONTH_AGO)


def test_nobody_has_a_state_of_that_time(world: World) -> None:
    with pytest.raises(MissingUpstreamError, match=rf"{KEPT} has no bookworm of {A_MONTH_AGO:%Y-%m-%d} .*404"):
        world.dated(A_MONTH_AGO)


def test_without_a_service_the_suite_and_the_setting_are_named(world: World) -> None:
    world.snapshot = SnapshotSettings(service="")

    with pytest.raises(RefusedError, match=f"{BOOKWORM} has no dated states") as refused:
        world.dated(A_MONTH_AGO)
    assert f'[snapshot] archives = {{ "{REPOSITORY}" =' in (refused.value.hint or "")


def test_the_origin_tells_whether_the_service_has_it(world: World) -> None:
    world.snapshot = SnapshotSettings(service="http://snapshot.example.org")
    world.publish(release(age=timedelta(days=31)), STATE)

    assert world.dated(A_MONTH_AGO, "Debian").pin.codename == "bookworm"
    with pytest.raises(RefusedError, match="has no dated states"):
        world.dated(A_MONTH_AGO, "Vendor")


# --- single files, and no network ------------------------------------------------------------------------------------


def test_a_single_file_is_archived(world: World) -> None:
    world.files["http://mirror.example.org/keys/vendor.asc"] = b"key"

    digest = world.pinning().single("mirror.example.org/keys/vendor.asc")

    assert digest == Digest.of(b"key")
    assert world.objects.has(digest)


def test_offline_nothing_is_pinned_and_nothing_is_asked(world: World) -> None:
    world.publish(release())
    pinning = world.pinning(offline=True)

    with pytest.raises(OfflineError, match=f"{BOOKWORM} is not pinned, and --offline forbids to fetch its InRelease"):
        pinning.candidate(BOOKWORM, "InRelease")
    with pytest.raises(OfflineError, match=r"the single file http://mirror\.example\.org/x is not pinned"):
        pinning.single("http://mirror.example.org/x")
    with pytest.raises(OfflineError, match=f"the state of {BOOKWORM} at .* --offline forbids to ask it"):
        pinning.dated(BOOKWORM, A_MONTH_AGO, None)
    assert world.asked == []


def test_a_pin_says_nothing_of_the_time_it_was_made(world: World) -> None:
    world.publish(release())

    first, second = world.candidate(), world.candidate()

    assert replace(first, remark="") == replace(second, remark="")
