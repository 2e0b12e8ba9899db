# SPDX-License-Identifier: MIT
"""The object store: what it holds is what its name says, whatever happened to the disk."""

import hashlib
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from aptfreeze.archive.growth import GrowthState
from aptfreeze.archive.objects import Objects
from aptfreeze.errors import IntegrityError, StorageError
from aptfreeze.freeze.digest import Algorithm, Digest

DATA = b"the bytes of a package"
SHA512 = Digest(Algorithm.SHA512, hashlib.sha512(DATA).hexdigest())


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[Objects]:
    objects = Objects(tmp_path)
    yield objects
    objects.close()


def damage(objects: Objects, digest: Digest, data: bytes = b"rotten") -> None:
    """Other bytes in the same file, as a bad disk gives them."""
    path = objects.path(digest)
    assert path is not None
    path.chmod(0o644)
    path.write_bytes(data)


def with_alias(objects: Objects) -> Digest:
    part = objects.layout.temporary()
    part.write_bytes(DATA)
    objects.adopt(part, Digest.of(DATA), [SHA512])
    return Digest.of(DATA)


def test_what_was_put_can_be_read_and_sha256sum_agrees(objects: Objects) -> None:
    digest = objects.put(DATA)
    assert objects.has(digest)
    assert objects.read(digest) == DATA
    path = objects.path(digest)
    assert path is not None
    assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    assert path.stat().st_mode & 0o777 == 0o444


def test_what_was_never_put_is_not_held(objects: Objects) -> None:
    assert objects.growth(SHA512) is None
    assert objects.read(Digest.of(b"")) is None
    assert objects.path(Digest.of(b"")) is None


def test_own_objects_are_complete_at_once(objects: Objects) -> None:
    growth = objects.growth(objects.put(DATA * 9000))
    assert growth is not None
    assert growth.state is GrowthState.COMPLETE


def test_another_process_checks_it_on_first_serving(objects: Objects, tmp_path: Path) -> None:
    digest = objects.put(DATA * 90_000)
    other = Objects(tmp_path)
    growth = other.growth(digest)
    assert growth is not None
    growth.wait(10)
    assert growth.sha256 == digest


def test_an_object_is_found_by_its_other_hash(objects: Objects) -> None:
    digest = with_alias(objects)
    assert objects.resolve(SHA512) == digest
    assert objects.read(SHA512) == DATA


@pytest.mark.parametrize("torn", [b"", b"12", b"\xff\xfe"])
def test_a_torn_alias_is_none(objects: Objects, torn: bytes) -> None:
    with_alias(objects)
    objects.layout.alias(SHA512).write_bytes(torn)
    assert not objects.has(SHA512)


def test_an_alias_to_another_object_is_noticed(objects: Objects, tmp_path: Path) -> None:
    with_alias(objects)
    objects.layout.alias(SHA512).write_text(objects.put(b"something else").hex)
    assert Objects(tmp_path).read(SHA512) is None


def test_a_flipped_bit_is_noticed_quarantined_and_healed(objects: Objects, tmp_path: Path) -> None:
    digest = objects.put(DATA)
    damage(objects, digest)
    assert objects.read(digest) is None
    assert not objects.has(digest)
    assert objects.epoch == 1
    assert [path.read_bytes() for path in (tmp_path / "quarantine").iterdir()] == [b"rotten"]
    assert "in quarantine" in str(objects.notices[-1])
    assert not objects.tainted(digest)  # it was small: nothing went out
    objects.put(DATA)
    assert objects.read(digest) == DATA


def test_wrong_bytes_of_a_large_object_taint_it(objects: Objects) -> None:
    digest = objects.put(DATA * 90_000)
    damage(objects, digest, b"\0" + (DATA * 90_000)[1:])
    assert objects.read(digest, 1 << 30) is None
    assert objects.tainted(digest)


def test_putting_again_heals_an_object_that_nobody_noticed(objects: Objects) -> None:
    digest = objects.put(DATA)
    damage(objects, digest)
    objects.put(DATA)
    assert objects.read(digest) == DATA


def test_reading_is_bounded(objects: Objects) -> None:
    with pytest.raises(IntegrityError, match="more than 5"):
        objects.read(objects.put(DATA), 5)


def test_a_read_only_archive_is_a_source(objects: Objects, tmp_path: Path) -> None:
    digest = objects.put(DATA)
    reader = Objects(tmp_path, read_only=True)
    assert reader.read(digest) == DATA
    with pytest.raises(StorageError, match="can only be read"):
        reader.put(b"new")


def test_quarantine_on_demand(objects: Objects) -> None:
    digest = objects.put(DATA)
    objects.quarantine(digest, "somebody said so")
    objects.quarantine(digest, "twice does no harm")
    assert not objects.has(digest)


def test_sync_reaches_the_disk(objects: Objects) -> None:
    objects.put(DATA)
    objects.sync()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_access_is_read_only(objects: Objects, tmp_path: Path) -> None:
    (tmp_path / "objects").chmod(0o555)
    assert Objects(tmp_path).read_only


PUT_FOR_EVER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from aptfreeze.archive.objects import Objects
    objects = Objects(Path(sys.argv[1]))
    n = int(sys.argv[2])
    while True:
        objects.put(str(n).encode() * 20_000)
        print(flush=True)
        n += 1
""")


def kill_while_writing(root: Path, rounds: int) -> None:
    for number in range(rounds):
        command = [sys.executable, "-c", PUT_FOR_EVER, str(root), str(number * 1000)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for _ in range(number % 3 + 1):
                process.stdout.readline()
            process.kill()
    held = [path for path in (root / "objects").rglob("*") if path.is_file()]
    assert len(held) >= rounds
    for path in held:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


def test_kill_9_leaves_only_verified_objects(tmp_path: Path) -> None:
    kill_while_writing(tmp_path, 5)


@pytest.mark.long
def test_hundreds_of_kills_leave_only_verified_objects(tmp_path: Path) -> None:
    kill_while_writing(tmp_path, 300)


class Model(RuleBasedStateMachine):
    """Puts, rot, quarantines, crashes and readers in any order, beside a dict of what must be readable."""

    known: Bundle[bytes] = Bundle("known")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.objects = Objects(Path(self.folder.name))
        self.model: dict[Digest, bytes] = {}

    @rule(target=known, data=st.binary(max_size=40))
    def put(self, data: bytes) -> bytes:
        self.model[self.objects.put(data)] = data
        return data

    @rule(data=known)
    def rot(self, data: bytes) -> None:
        if self.objects.has(Digest.of(data)):
            damage(self.objects, Digest.of(data), data + b"rot")
            self.model.pop(Digest.of(data), None)

    @rule(data=known)
    def quarantine(self, data: bytes) -> None:
        self.objects.quarantine(Digest.of(data), "test")
        self.model.pop(Digest.of(data), None)

    @rule()
    def crash(self) -> None:
        """Another process that left its rubbish and a new one that starts."""
        self.objects.layout.temporary().write_bytes(b"half")
        self.objects = Objects(Path(self.folder.name))

    @rule(data=known)
    def read(self, data: bytes) -> None:
        assert self.objects.read(Digest.of(data)) == self.model.get(Digest.of(data))

    @invariant()
    def nothing_right_is_lost(self) -> None:
        assert all(self.objects.has(digest) for digest in self.model)

    def teardown(self) -> None:
        self.objects.close()
        self.folder.cleanup()


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_an_object_that_was_seen_to_be_damaged_is_not_there_for_this_process_until_it_is_replaced(
    objects: Objects,
) -> None:
    digest = objects.put(DATA)
    epoch = objects.epoch
    damage(objects, digest)

    objects.reject(digest)

    assert (objects.has(digest), objects.growth(digest), objects.epoch) == (False, None, epoch + 1)
    assert objects.layout.object(digest).exists()
    assert objects.put(DATA) == digest
    assert objects.read(digest) == DATA


def test_what_was_rejected_can_be_put_into_quarantine(objects: Objects) -> None:
    digest = objects.put(DATA)
    objects.reject(digest)

    objects.quarantine(digest, "rotten")

    assert not objects.layout.object(digest).exists()
    assert [path.name for path in (objects.layout.root / "quarantine").iterdir()] == [f"{digest.hex}.0"]
