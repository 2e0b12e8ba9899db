# SPDX-License-Identifier: MIT
"""Each kind of file that a generation answers for: where its bytes come from, and what follows when it was served.

Rule 1: the first file of a suite that verifies commits the suite's provisional pin; one that cannot be had drops it.
Rule 2: a file that the Release lists and no supplier has is 404 from then on, also offline; but a package index must
be had in one of its forms.
Rule 3: a package file counts as served when a client got all of it.
"""

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from aptfreeze.deb.paths import Location
from aptfreeze.deb.release import IndexName
from aptfreeze.environment.absent import Absences
from aptfreeze.environment.records import AskedIndex
from aptfreeze.errors import AptfreezeError, MissingUpstreamError, UpstreamError
from aptfreeze.fetch.chain import Supplier
from aptfreeze.fetch.failures import ClosingError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.fetch.roots import lost_root
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.freeze.generation import Pin, SuiteKey
from aptfreeze.freeze.outcome import (
    PinnedFile,
    PinnedPackage,
    PinnedPayload,
    PinnedResigned,
    PinnedRoot,
    PinnedSingle,
)
from aptfreeze.http.message import Request
from aptfreeze.http.semantics import Representation, parse_http_date
from aptfreeze.serve.boundary import attended
from aptfreeze.serve.delivery import Delivered, Delivery
from aptfreeze.serve.first_sight import FirstSight, mid_sync
from aptfreeze.serve.prefetch import Prefetch
from aptfreeze.serve.reply import Reply
from aptfreeze.serve.session import Session
from aptfreeze.serve.sources import SourcesFollower

if TYPE_CHECKING:
    from aptfreeze.environment.resigning import Resigning

_TEXT = "text/plain; charset=utf-8"
_PACKAGE = "application/vnd.debian.binary-package"


class FrozenFiles:
    """Holds no state of its own."""

    def __init__(
        self,
        session: Session,
        lookup: Lookup,
        delivery: Delivery,
        first_sight: FirstSight,
        sources: SourcesFollower | None,
        prefetch: Prefetch | None,
        absences: Absences,
        background: asyncio.TaskGroup,
        resigning: "Resigning | None" = None,
    ) -> None:
        self._session = session
        self._lookup = lookup
        self._delivery = delivery
        self._first_sight = first_sight
        self._sources = sources
        self._prefetch = prefetch
        self._absences = absences
        self._background = background
        self._resigning = resigning

    async def root(self, request: Request, found: PinnedRoot) -> Reply:
        """The pinned InRelease, Release, Release.gpg or bare package list itself."""
        self._compare_ages(request, found.key, found.pin)
        if self._session.resigns:
            self._session.notice(f"{found.key} is not signed, so it is served as it is and not re-signed")
        suppliers = partial(self._lookup.suite_suppliers, found.key, found.file)
        delivered = Delivered(found.file.wanted, suppliers, found.pin.date, _TEXT, suite=(found.key, found.pin))
        try:
            return await self._delivery.deliver(request, delivered)
        except UpstreamError as error:  # never 404: a client would go on with a Release instead of the InRelease
            raise lost_root(found.key, found.file, error) from error

    def _compare_ages(self, request: Request, key: SuiteKey, pin: Pin) -> None:
        """apt tells the date of the InRelease that it has: with a newer one it will ignore ours without a word."""
        since = parse_http_date(request.headers.get("If-Modified-Since") or "")
        if since is not None and pin.date is not None and since > pin.date:
            self._session.newer_lists[key] = since

    async def made(self, request: Request, found: PinnedPayload | PinnedResigned) -> Reply:
        """A file that no mirror has, since it is made from the pinned one."""
        if isinstance(found, PinnedPayload):
            return await self.payload(request, found)
        return await self.resigned(request, found)

    async def payload(self, request: Request, found: PinnedPayload) -> Reply:
        """The signed text of a pinned InRelease, which is in the archive since it was pinned."""
        digest = await asyncio.to_thread(self._lookup.store_payload, found.key, found.pin)
        delivered = Delivered(Wanted(digest), list, found.pin.date, _TEXT, suite=(found.key, found.pin))
        return await self._delivery.deliver(request, delivered)

    async def resigned(self, request: Request, found: PinnedResigned) -> Reply:
        """What is signed in the pinned file, signed by the environment's key."""
        assert self._resigning is not None
        self._compare_ages(request, found.key, found.pin)
        made = await asyncio.to_thread(self._resigning.file, self._lookup, found)
        representation = Representation(f'"{made.digest.hex}"', made.last_modified, len(made.data), _TEXT)
        return self._delivery.deliver_data(request, representation, made.data)

    async def file(self, request: Request, found: PinnedFile) -> Reply:
        """An index, a translation, an installer image: what a Release lists."""
        key, file = found.key, found.file
        if (key.repository, file.wanted.digest) in self._absences:
            raise MissingUpstreamError(f"{file.relative} is listed in the Release of {key}, and no mirror had it")
        index = self._lookup.package_index(found)
        delivered = Delivered(
            file.wanted,
            partial(self._file_suppliers, found, index),
            found.pin.date,
            complete=None if index is None else partial(self._make_table, found, index),
            suite=(key, found.pin),
        )
        if index is not None:
            self._follow_sources(found, index)
        if self._first_sight.is_provisional(key, found.pin):
            settling = attended(f"settle the pin of {key}", self._settle_pin(found, delivered))
            self._background.create_task(settling, name=f"settle {key}")
        try:
            return await self._delivery.deliver(request, delivered)
        except MissingUpstreamError as missing:
            await self._judge_missing(found, missing)
            raise
        except UpstreamError as error:
            raise await self._first_sight.failed(key, found.pin, file.relative, error) from error

    def _file_suppliers(self, found: PinnedFile, index: IndexName | None) -> list[Supplier]:
        """Asked only if the archive lacks the file."""
        suppliers = self._lookup.suite_suppliers(found.key, found.file, found.compressed)
        if index is not None and self._prefetch is not None:
            self._prefetch.lacked_index(AskedIndex(found.key.repository, found.key.suite, index.path))
        return suppliers

    async def _judge_missing(self, found: PinnedFile, missing: MissingUpstreamError) -> None:
        """Raises if the mirror has no form of a package index: then its Release and its indexes do not fit together."""
        key, file = found.key, found.file
        index = self._lookup.package_index(found)
        if index is not None:
            try:
                await asyncio.to_thread(self._lookup.obtain_another_form, found, index.path)
            except ClosingError:
                raise
            except UpstreamError as error:
                gone = UpstreamError(f"no mirror has {index.path} in any form: {missing.message}; {error.message}")
                raise await self._first_sight.failed(key, found.pin, file.relative, gone) from error
        if self._session.generation.pins.get(key) != found.pin:
            raise mid_sync(key)  # it was dropped meanwhile; the next pin may list this file too, and it be there
        if not self._first_sight.is_provisional(key, found.pin):
            self._absences.remember(key.repository, file.relative, file.wanted.digest)

    async def _settle_pin(self, found: PinnedFile, delivered: Delivered) -> None:
        """Commit or drop a provisional pin by what becomes of a file that it lists."""
        try:
            await self._delivery.verified(delivered)
        except MissingUpstreamError:
            return  # a mirror need not have all that its Release lists; who asked for it judges that
        except UpstreamError as error:
            await self._first_sight.failed(found.key, found.pin, found.file.relative, error)
        except AptfreezeError:
            return  # the archive's fault, or --offline: nothing is known of the mirror
        else:
            await self._first_sight.confirmed(found.key, found.pin)

    def _follow_sources(self, found: PinnedFile, index: IndexName) -> None:
        self._session.index_used(found.key, index)
        if self._sources is not None:
            self._sources.used(found.key, found.pin, index.component)

    def _make_table(self, found: PinnedFile, index: IndexName, _: Digest) -> None:
        """A client has got a package index: while it reads it, ours is made ready for the packages it will ask for."""
        making = asyncio.to_thread(self._lookup.prepare, found.key, found.pin, index.path)
        self._background.create_task(attended(f"make the table of {index.path}", making), name=f"table {index.path}")

    async def package(self, request: Request, found: PinnedPackage, location: Location) -> Reply:
        """A file of a binary or source package."""
        if self._prefetch is not None:
            self._prefetch.asked(found)
        suppliers = partial(self._suppliers, found, location)
        content_type = _PACKAGE if location.path.endswith("deb") else "application/octet-stream"
        complete = partial(self._session.served, found)
        suite = (found.key, found.pin)
        delivered = Delivered(found.entry.wanted, suppliers, found.pin.date, content_type, complete, suite)
        try:
            return await self._delivery.deliver(request, delivered)
        except MissingUpstreamError as error:  # a 404 like that of an optional file, but this one is in the index
            self._session.failure(f"{found.relative} of {found.key} is frozen, and gone from every mirror: {error}")
            raise

    def _suppliers(self, found: PinnedPackage, location: Location) -> list[Supplier]:
        """Asked only if the archive lacks the file."""
        if self._prefetch is not None:
            self._prefetch.lacked(found)
        return self._lookup.package_suppliers(found, location.raw_below(found.repository))

    async def single(self, request: Request, found: PinnedSingle, location: Location) -> Reply:
        """A file pinned by its url; the mirror may have another state of it by now, which is refused by its hash."""
        suppliers = partial(self._lookup.single_suppliers, location.raw_text)
        return await self._delivery.deliver(request, Delivered(Wanted(found.digest), suppliers, None))
