# SPDX-License-Identifier: MIT
"""The content-addressed store: digest to file. `layout` says where what lies.

Rule 1: nothing is visible under its name before every hash that is known of it matched; kill -9 changes nothing in
that, since what becomes visible does so by one rename.
Rule 2: an object is never modified. Replacing it by another file with the same, verified bytes is allowed, and heals.
Rule 3: no fsync per file; `sync` once, before something that refers to the objects is committed. What a power cut
tears is found by the check at the first serving, put into quarantine, and fetched again.
Rule 4: an object that does not match its name is never served to its end, and goes to quarantine.
Rule 5: any number of processes may use one archive at once.
"""

import os
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from aptfreeze.archive.checks import Checks, Subject, pieces
from aptfreeze.archive.condemned import Condemned
from aptfreeze.archive.growth import Descriptor, Growth
from aptfreeze.archive.layout import Layout, prepare, storage_error, sync_file_system
from aptfreeze.archive.notices import Notice
from aptfreeze.archive.sharing import Share
from aptfreeze.errors import IntegrityError, StorageError
from aptfreeze.freeze.digest import Algorithm, Digest

_NOTICES = 1000


class Objects:
    """The objects of one archive, as one process uses them.

    Mutable state: the checks and the share (see there), what went out wrong, notices, and `epoch`.
    """

    def __init__(self, root: Path, *, read_only: bool = False) -> None:
        """Opens the archive, or makes it; UsageError if that folder cannot be one."""
        self.layout: Layout = prepare(root, read_only=read_only)
        self.read_only = read_only or not os.access(root / "objects", os.W_OK)
        self.share = Share(self.layout)
        self._condemned = Condemned(self.layout)
        self.notices: deque[Notice] = deque(maxlen=_NOTICES)
        """Wrong bytes of mirrors and damaged objects of this process, latest last."""
        self.epoch = 0
        """Grows with each quarantine: what was remembered of objects before may be out of date."""
        self._checks = Checks(self._found_bad)
        self._tainted: set[Digest] = set()
        self._rejected: set[Path] = set()

    def __repr__(self) -> str:
        return f"<Objects {self.layout.root}{' read-only' * self.read_only}, epoch {self.epoch}>"

    # --- reading ---

    def resolve(self, digest: Digest) -> Digest | None:
        """The sha256 that an object of this digest is named by; None if there is no alias. The object may be gone."""
        if digest.algorithm is Algorithm.SHA256:
            return digest
        try:
            return Digest(Algorithm.SHA256, self.layout.alias(digest).read_text("ascii").strip())
        except (OSError, ValueError):  # torn by a power cut: as good as none, and it will be written anew
            return None

    def path(self, digest: Digest) -> Path | None:
        """The file of an object; None if it is not held. Nothing is said about its bytes.

        One that was condemned, since nobody needed it, is in its place again then.
        """
        sha256 = self.resolve(digest)
        if sha256 is None:
            return None
        path: Path | None = self.layout.object(sha256)
        if path is not None and not path.exists():
            path = self._condemned.restored(sha256)
        return None if path in self._rejected else path

    def has(self, digest: Digest) -> bool:
        return self.path(digest) is not None

    def growth(self, digest: Digest) -> Growth | None:
        """The object for sending; None if it is not held. Does not block for longer than hashing 64 KiB.

        The first time in this process it is hashed in a thread while it is served; if it turns out to be damaged, it
        is in quarantine before the Growth FAILS with an IntegrityError.
        """
        sha256 = self.resolve(digest)
        descriptor = self._opened(digest)
        if sha256 is None or descriptor is None:
            return None
        return self._checks.growth(Subject(digest, sha256, descriptor, os.fstat(descriptor.fd)))

    def _opened(self, digest: Digest) -> Descriptor | None:
        while (path := self.path(digest)) is not None:
            try:
                return Descriptor.open(path)
            except FileNotFoundError:
                continue  # it was condemned, or taken back, at this moment
            except OSError as error:
                raise IntegrityError(f"{digest} cannot be read from the archive: {error.strerror}") from error
        return None

    def read(self, digest: Digest, limit: int = 64 << 20) -> bytes | None:
        """The verified bytes of an object (blocks); None if it is not held, or was damaged and is in quarantine now.

        IntegrityError if it is larger than `limit` bytes.
        """
        growth = self.growth(digest)
        if growth is None:
            return None
        if growth.size is not None and growth.size > limit:
            raise IntegrityError(f"{digest} has {growth.size} bytes, more than {limit} are not expected here")
        try:
            growth.wait()
        except IntegrityError:
            return None
        return b"".join(pieces(growth.descriptor()))

    def tainted(self, digest: Digest) -> bool:
        """Whether wrong bytes of this digest went out from this process, so that a client may hold a wrong start."""
        return digest in self._tainted

    # --- writing ---

    def put(self, data: bytes) -> Digest:
        """Store bytes; returns their name. StorageError if they cannot be written."""
        sha256 = Digest.of(data)
        path = self.layout.object(sha256)
        if not (path.exists() and self._checks.trusts(sha256, path.stat())):
            self.require_writable()
            self.layout.write(path, data, 0o444)
            self._installed(path, sha256, [])
        return sha256

    def adopt(self, file: Path, sha256: Digest, names: Iterable[Digest] = ()) -> None:
        """Rename a file of this archive, whose bytes the caller has just verified, to an object.

        `names` are verified digests that it is to be found by as well. Raises OSError.
        """
        path = self.layout.object(sha256)
        file.chmod(0o444)
        self.layout.rename(file, path)
        self._installed(path, sha256, [name for name in names if name.algorithm is not Algorithm.SHA256])

    def _installed(self, path: Path, sha256: Digest, aliases: list[Digest]) -> None:
        status = path.stat()
        self._rejected.discard(path)
        for name in (sha256, *aliases):
            self._checks.trust(name, status)
        for alias in aliases:
            self.layout.write(self.layout.alias(alias), sha256.hex.encode() + b"\n")

    def trust(self, digest: Digest, status: os.stat_result) -> None:
        """Another process of this machine verified and installed this very file just now."""
        self._checks.trust(digest, status)

    def require_writable(self) -> None:
        """StorageError if this archive can only be read."""
        if self.read_only:
            raise StorageError(
                f"the archive {self.layout.root} can only be read, and something has to be stored",
                hint="name an archive that can be written with --archive, or add what is missing elsewhere",
            )

    def taint(self, digest: Digest) -> None:
        """Wrong bytes of this digest went out."""
        self._tainted.add(digest)

    def quarantine(self, digest: Digest, why: str) -> None:
        """Take an object out of sight; the next one who asks has it fetched again."""
        sha256 = self.resolve(digest)
        if sha256 is not None:
            self._put_away(self.layout.object(sha256), digest, why)

    def reject(self, sha256: Digest) -> None:
        """The object was seen to be damaged: for this process it is not there, until another one takes its place."""
        self._checks.distrust(sha256)
        self._rejected.add(self.layout.object(sha256))
        self.epoch += 1

    def sync(self) -> None:
        """Have everything that was stored on the disk: one `syncfs(2)`. StorageError if the disk says no."""
        try:
            sync_file_system(self.layout.root)
        except OSError as error:
            raise storage_error(self.layout.root, error) from error

    def close(self) -> None:
        """End running checks; their Growths fail."""
        self._checks.close()
        self.share.close()

    # --- damage ---

    def _found_bad(self, subject: Subject, why: str, went_out: bool) -> None:
        if went_out:
            self.taint(subject.digest)
        path = self.layout.object(subject.sha256)
        try:
            is_same = os.stat(path).st_ino == subject.status.st_ino  # noqa: PTH116 - one call less
        except FileNotFoundError:
            is_same = False
        if is_same:  # else somebody has replaced it already
            self._put_away(path, subject.digest, why)

    def _put_away(self, path: Path, digest: Digest, why: str) -> None:
        self.notices.append(Notice(digest, "archive", f"in quarantine: {why}"))
        self._checks.distrust(digest)
        try:
            if digest.algorithm is not Algorithm.SHA256:
                self.layout.alias(digest).unlink(missing_ok=True)
            path.rename(self.layout.quarantined(Digest(Algorithm.SHA256, path.name)))
        except FileNotFoundError:
            pass  # another process was faster
        except OSError:
            self._rejected.add(path)  # a read-only archive: out of sight of this process at least
        finally:
            self.epoch += 1
