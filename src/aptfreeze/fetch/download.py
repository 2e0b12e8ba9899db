# SPDX-License-Identifier: MIT
"""Downloads: at most one for each digest, in this process and among all that share the archive.

Rule 1: a download belongs to nobody: readers come and go, it goes on.
Rule 2: what readers see is a `Growth` over the partial file; the file is the only channel.
Rule 3: the flock of the partial file decides who fetches. Whoever does not get it follows the file as it grows, and
takes over when its holder has died.
Rule 4: wrong bytes never reach the archive. Their readers are cut off, the next supplier is tried, and a supplier
that sent them is not asked for that digest again in this process, as long as there is another one.
Rule 5: only bytes that came whole from one supplier put the blame on it; a mixture is fetched again first.
"""

import threading
from collections.abc import Mapping, Sequence

from aptfreeze.archive.growth import Growth, GrowthState
from aptfreeze.archive.objects import Objects
from aptfreeze.errors import AptfreezeError
from aptfreeze.fetch.chain import Supplier
from aptfreeze.fetch.crew import Crew
from aptfreeze.fetch.failures import ClosingError, ReplacedError
from aptfreeze.fetch.fetched import Arrived, Fetched, fetch_bytes, fetch_object
from aptfreeze.fetch.hosts import Hosts, Traffic
from aptfreeze.fetch.job import Job
from aptfreeze.fetch.priority import Priority
from aptfreeze.fetch.redirects import Redirects
from aptfreeze.fetch.wires import Wires
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.settings import FetchSettings
from aptfreeze.values import immutable

_THREADS = (8, 64)
"""For what nobody waits for: at least and at most."""
_CLOSE_S = 1.0


@immutable
class Download:
    """One file on its way, as it was a moment ago."""

    name: str
    """For people; it came from the network, and may hold any character."""
    received: int
    """Bytes."""
    size: int | None
    """In bytes; None if nobody knows it yet."""
    priority: Priority


class Downloads:
    """All downloads of this process into one archive.

    Mutable state, under the lock: the running jobs by digest. The suppliers that were wrong are added to by the jobs.
    """

    def __init__(
        self,
        objects: Objects,
        settings: FetchSettings,
        gentle: Mapping[str, int] | None = None,
        wires: Wires | None = None,
        redirects: Redirects | None = None,
    ) -> None:
        """`gentle`, `wires` and `redirects`: as for `Hosts`."""
        self.objects = objects
        self.settings = settings
        self.hosts = Hosts(settings, gentle or {}, wires, redirects)
        self.closing = threading.Event()
        self.wrong: set[tuple[Digest, str]] = set()
        """Suppliers, by name, that had wrong bytes under a digest."""
        self._jobs: dict[Digest, Job] = {}
        self._crew = Crew(self.at_once)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Downloads {len(self._jobs)} running, {self._crew!r}>"

    @property
    def at_once(self) -> int:
        """So many downloads that nobody waits for run at once: each request in flight has its thread."""
        least, most = _THREADS
        return min(most, max(least, self.settings.connections * self.settings.depth))

    def join(
        self,
        wanted: Wanted,
        suppliers: Sequence[Supplier],
        priority: Priority = Priority.DEMANDED,
        *,
        at_once: bool = False,
    ) -> Growth:
        """The bytes, from the archive or from the one download of that digest, which is begun if need be.

        Never blocks for long and raises nothing: how it failed is in the Growth, as UpstreamError
        (MissingUpstreamError: every supplier said that it does not exist), IntegrityError, or AptfreezeError for the
        disk. A later join with a higher priority raises it, and its suppliers are tried after the first ones'.
        A large object that turns out to be damaged while it is sent fails with an IntegrityError; the next join
        fetches it again. With a small one that happens before anything is shown.
        """
        at_once = at_once or priority is Priority.DEMANDED
        with self._lock:
            job = self._jobs.get(wanted.digest)
            if job is not None:
                has_risen = job.join(suppliers, priority)
                self._crew.hurry(job.run, job.priority, at_once=at_once)
                if has_risen:
                    self.hosts.reconsider()
                return job.growth
            held = self._held(wanted.digest)
            if held is not None and not Job.must_watch(held):
                return held
            job = Job(self, wanted, suppliers, priority, held)
            if self.closing.is_set():
                job.growth.fail(ClosingError("closing: nothing more is fetched"))
                return job.growth
            self._jobs[wanted.digest] = job
        self._crew.submit(job.run, priority, at_once=at_once)
        return job.growth

    def forgo(self, digest: Digest) -> None:
        """What was prefetched is not wanted after all: it is dropped, unless it is on its way or somebody waits for it.

        Its Growth then fails with a ForgoneError.
        """
        with self._lock:
            job = self._jobs.get(digest)
            if job is not None and job.priority is Priority.PREFETCHED:
                job.priority = Priority.FORGONE

    def obtain(
        self,
        wanted: Wanted,
        suppliers: Sequence[Supplier],
        priority: Priority = Priority.DEMANDED,
        *,
        at_once: bool = False,
    ) -> Growth:
        """As `join`, for who needs all of it: blocks until it is COMPLETE, and raises how it failed.

        That bytes were shown to others and replaced by right ones is no failure then.
        """
        while True:
            growth = self.join(wanted, suppliers, priority, at_once=at_once)
            try:
                growth.wait()
            except ReplacedError:
                continue
            return growth

    def fetch_bytes(
        self, urls: Sequence[str], limit: int, priority: Priority = Priority.DEMANDED, *, is_patient: bool = True
    ) -> Fetched:
        """A file whose digest nobody knows before (InRelease, a key file), from the first URL that has it. Blocks.

        `is_patient`: what failed in passing is tried again, as the settings say. Nothing is stored.
        MissingUpstreamError if each URL said that it does not exist, else UpstreamError; more than `limit` bytes are
        an UpstreamError too.
        """
        return fetch_bytes(self, urls, limit, priority, is_patient=is_patient)

    def fetch_object(self, url: str, arrived: Arrived | None = None) -> tuple[Digest, int]:
        """The same for a file of any size, into the archive: its name there, and its size. Blocks.

        MissingUpstreamError, UpstreamError, StorageError.
        """
        return fetch_object(self, self.objects, url, arrived)

    def tainted(self, digest: Digest) -> bool:
        """Whether wrong bytes of this digest went out: a Range request for it gets a full 200 from then on."""
        return self.objects.tainted(digest)

    def running(self) -> tuple[Download, ...]:
        """The files that are being fetched, or wait for that, oldest first."""
        with self._lock:
            jobs = [(job, job.growth) for job in self._jobs.values()]
        return tuple(
            Download(job.name, growth.received, growth.size, job.priority)
            for job, growth in jobs
            if growth.state is GrowthState.GROWING
        )

    def traffic(self) -> dict[str, Traffic]:
        """Requests and bytes by host, so far."""
        return self.hosts.traffic()

    def pause(self, seconds: float) -> None:
        """Sleep, unless it closes: ClosingError."""
        if self.closing.wait(seconds):
            raise ClosingError("closing: nothing more is fetched")

    def close(self) -> None:
        """End all downloads within about a second, whatever the servers do; what has come so far can be resumed."""
        self.closing.set()
        self.hosts.close()
        self._crew.close(_CLOSE_S)
        with self._lock:
            left, self._jobs = list(self._jobs.values()), {}
        for job in left:
            job.growth.fail(ClosingError("closing: nothing more is fetched"))

    def ended(self, job: Job, error: AptfreezeError | None) -> None:
        """Called by a job as its last act: first nobody can join it any more, then its readers are told."""
        with self._lock:
            if self._jobs.get(job.wanted.digest) is job:
                del self._jobs[job.wanted.digest]
        if job.growth.state is GrowthState.GROWING:
            job.growth.fail(error or AptfreezeError(f"the download of {job.wanted.digest} ended by a bug"))

    def replace_growth(self, job: Job) -> Growth:
        """A new one for whoever joins from now on; returns the old one."""
        with self._lock:
            old, job.growth = job.growth, Growth(job.wanted.size)
        return old

    def _held(self, digest: Digest) -> Growth | None:
        try:
            held = self.objects.growth(digest)
        except AptfreezeError:  # it cannot be read: as good as not there
            return None
        return None if held is not None and held.state is GrowthState.FAILED else held
