# SPDX-License-Identifier: MIT
"""From a digest to a reply: the archive's object or the one running download of it, and what HTTP says of it.

A plain hit is prepared once: head and open file are kept by raw target, so that the next one costs one look-up.
The table holds positive answers only, and within a generation those never change; it is emptied when an object turns
out to be damaged, and when a provisional pin is dropped.
"""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime
from functools import partial

from aptfreeze.archive.growth import Growth, GrowthState
from aptfreeze.archive.objects import Objects
from aptfreeze.errors import StorageError
from aptfreeze.fetch.chain import Supplier
from aptfreeze.fetch.download import Downloads
from aptfreeze.fetch.failures import ReplacedError
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.freeze.outcome import Suite
from aptfreeze.http.message import Request, response_head
from aptfreeze.http.semantics import Representation, is_conditional, plan_response
from aptfreeze.serve.reply import FileBody, Inline, Reply
from aptfreeze.serve.session import Session
from aptfreeze.values import immutable

_PREPARED_AT_MOST = 256
"""Each holds a descriptor; clients get half of the usual 1024, downloads need some."""
_PREPARED_FOR_S = 24 * 3600.0
"""Then the object is looked at again; the archive trusts what it has hashed for a week."""


@immutable
class Delivered:
    """What to deliver, and whom to tell."""

    wanted: Wanted
    suppliers: Callable[[], list[Supplier]]
    """Asked only if the archive lacks the object; may raise."""
    last_modified: datetime | None
    content_type: str = "application/octet-stream"
    complete: Callable[[Digest], None] | None = None
    """Called with the object's name when a client has got all of it; of a prepared answer by the first of them only."""
    suite: Suite | None = None
    """The pin that says so; None for a single file."""


@immutable
class _Prepared:
    head: bytes
    body: FileBody
    done: Callable[[int, bool], None]
    until: float


class Delivery:
    """Mutable state: the prepared hits, oldest first."""

    def __init__(self, objects: Objects, downloads: Downloads, session: Session) -> None:
        self._objects = objects
        self._downloads = downloads
        self._session = session
        self._prepared: dict[bytes, _Prepared] = {}
        self._prepared_at = self._epoch

    def __repr__(self) -> str:
        return f"<Delivery {len(self._prepared)} prepared>"

    @property
    def _epoch(self) -> tuple[int, int]:
        """Changes when an object turned out to be damaged, or a pin was dropped: both make prepared answers wrong."""
        return self._objects.epoch, self._session.retractions

    def prepared(self, request: Request, now: float) -> Reply | None:
        """The reply to a plain GET that was answered before."""
        if self._prepared_at != self._epoch:
            self._prepared.clear()
            self._prepared_at = self._epoch
        hit = self._prepared.get(request.target)
        if hit is None or hit.until < now or request.method != "GET" or is_conditional(request.headers):
            return None
        return Reply(hit.head, hit.body, False, hit.done)

    async def deliver(self, request: Request, what: Delivered) -> Reply:
        """The reply to GET or HEAD; raises the error of a download that failed before it sent anything."""
        epoch = self._epoch
        growth, is_held = await self._begun(what)
        assert growth.size is not None
        representation = Representation(
            etag=f'"{what.wanted.digest.hex}"',
            last_modified=what.last_modified,
            size=growth.size,
            content_type=what.content_type,
        )
        is_whole_only = self._downloads.tainted(what.wanted.digest)
        plan = plan_response(request, representation, allow_range=not is_whole_only)
        head = response_head(plan.status, "", plan.headers)
        reaches_end = plan.status in (200, 206) and plan.end == growth.size
        done = self._done(growth, is_held, what.complete if reaches_end else None)
        if request.method == "HEAD" or plan.start == plan.end:
            return Reply(head, Inline(), False, done if request.method != "HEAD" else None)
        body = FileBody(growth, plan.start, plan.end)
        is_plain = plan.status == 200 and not is_conditional(request.headers)
        is_true = epoch == self._epoch and self._is_pinned(what.suite)
        if is_plain and is_true and growth.state is GrowthState.COMPLETE:
            self._keep(request.target, _Prepared(head, body, self._done(growth, True, what.complete), _expiry()))
        return Reply(head, body, False, done)

    def deliver_data(self, request: Request, representation: Representation, data: bytes) -> Reply:
        """The reply to GET or HEAD with data that are in no archive."""
        plan = plan_response(request, representation)
        body = b"" if request.method == "HEAD" else data[plan.start : plan.end]
        return Reply(response_head(plan.status, "", plan.headers), Inline(body), False, self._count_archived)

    def _count_archived(self, sent: int, _: bool) -> None:
        self._session.traffic.from_archive += sent

    def _is_pinned(self, suite: Suite | None) -> bool:
        """Whether the session still has the pin by which the answer was found: it may have been dropped meanwhile."""
        return suite is None or self._session.generation.pins.get(suite[0]) == suite[1]

    async def verified(self, what: Delivered) -> None:
        """Returns when the archive has all of it; raises how that failed. Wrong bytes of one mirror do not count."""
        while True:
            growth, _ = await self._begun(what)
            await until(growth, partial(has_ended, growth))
            if growth.error is None:
                return
            if not isinstance(growth.error, ReplacedError):
                raise growth.error

    async def _begun(self, what: Delivered) -> tuple[Growth, bool]:
        """A growth that may be sent from, and whether the archive held it."""
        held = self._objects.growth(what.wanted.digest)
        if held is not None:
            await until(held, lambda: _is_servable(held))
            if held.state is not GrowthState.FAILED:
                return held, True
            self._session.notice(f"{held.error}")
        suppliers = what.suppliers()
        while True:
            growth = self._downloads.join(what.wanted, suppliers)
            await until(growth, partial(_is_servable, growth))
            if growth.error is None:
                return growth, False
            if not isinstance(growth.error, ReplacedError):  # else: of what was wrong nothing went to this client
                raise growth.error

    def _done(
        self, growth: Growth, is_held: bool, complete: Callable[[Digest], None] | None
    ) -> Callable[[int, bool], None]:
        traffic = self._session.traffic

        def done(sent: int, is_complete: bool) -> None:
            nonlocal complete
            if is_held:
                traffic.from_archive += sent
            else:
                traffic.from_mirror += sent
            if is_complete and complete is not None and growth.sha256 is not None:
                complete(growth.sha256)
                complete = None  # to tell it for each client of a prepared answer would take a fifth of a hit's time
            if isinstance(growth.error, StorageError):  # too late for an answer that says so
                self._session.verdict(str(growth.error))

        return done

    def _keep(self, target: bytes, prepared: _Prepared) -> None:
        self._prepared.pop(target, None)
        while len(self._prepared) >= _PREPARED_AT_MOST:
            del self._prepared[next(iter(self._prepared))]
        self._prepared[target] = prepared


def _expiry() -> float:
    return asyncio.get_running_loop().time() + _PREPARED_FOR_S


def _is_servable(growth: Growth) -> bool:
    return growth.state is not GrowthState.GROWING or (growth.ready > 0 and growth.size is not None)


def has_ended(growth: Growth) -> bool:
    return growth.state is not GrowthState.GROWING


async def until(growth: Growth, holds: Callable[[], bool]) -> None:
    """Wait until `holds`, which is looked at whenever the growth has published something."""
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()

    def published() -> None:
        with contextlib.suppress(RuntimeError):  # the event loop has ended
            loop.call_soon_threadsafe(changed.set)

    growth.subscribe(published)
    try:
        while not holds():
            await changed.wait()
            changed.clear()
    finally:
        growth.unsubscribe(published)
