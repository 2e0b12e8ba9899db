# SPDX-License-Identifier: MIT
"""One download, from the first look into the archive to the object; straight code in a thread of its own.

Follow whoever holds the partial file; else hold it, hash what is there, and let one supplier after another go on
behind it until the bytes as a whole are right. `download` has the rules.
"""

import threading
import time
from collections.abc import Sequence
from typing import Protocol
from urllib.parse import unquote

from aptfreeze.archive.growth import VERIFIED_FIRST, Growth, GrowthState, sendable
from aptfreeze.archive.layout import storage_error
from aptfreeze.archive.notices import Notice
from aptfreeze.archive.objects import Objects
from aptfreeze.archive.partial import Partial
from aptfreeze.errors import AptfreezeError, IntegrityError
from aptfreeze.fetch.chain import LARGEST_UNKNOWN, Delivery, Means, Supplier
from aptfreeze.fetch.failures import (
    ForgoneError,
    PassingError,
    ReplacedError,
    UnreachableError,
    UnusableRangeError,
    WrongBytesError,
)
from aptfreeze.fetch.priority import Priority
from aptfreeze.fetch.turns import in_turn
from aptfreeze.freeze.digest import Digest, Wanted
from aptfreeze.settings import FetchSettings

_POLL_S = 0.02
_PROGRESS = 64 << 10
"""Bytes; after a cut that brought so many, the same supplier goes on at once."""


class Shell(Means, Protocol):
    """What a job needs of `Downloads`."""

    @property
    def objects(self) -> Objects: ...
    @property
    def settings(self) -> FetchSettings: ...
    @property
    def closing(self) -> threading.Event: ...
    @property
    def wrong(self) -> set[tuple[Digest, str]]: ...
    def pause(self, seconds: float, /) -> None: ...
    def ended(self, job: "Job", error: AptfreezeError | None, /) -> None: ...
    def replace_growth(self, job: "Job", /) -> Growth: ...


class Job:
    """Mutable state: `growth` (exchanged when wrong bytes went out), priority, suppliers (both may grow), and whether
    it is worth following another process."""

    def __init__(
        self, shell: Shell, wanted: Wanted, suppliers: Sequence[Supplier], priority: Priority, held: Growth | None
    ) -> None:
        self.wanted = wanted
        self.priority = priority
        self.growth = Growth(wanted.size)
        self._shell = shell
        self._objects = shell.objects
        self._suppliers = list(suppliers)
        self._held = held
        self._follows = True

    def __repr__(self) -> str:
        return f"<Job {self.wanted.digest} {self.priority.name} {self.growth!r}>"

    @property
    def name(self) -> str:
        """For people: the file's name at the last of its suppliers that does not name it by its hash."""
        urls = [supplier.name for supplier in self._suppliers if "/by-hash/" not in supplier.name]
        return unquote(urls[-1].rpartition("/")[2]) if urls else str(self.wanted.digest)

    @staticmethod
    def must_watch(held: Growth) -> bool:
        """Whether an object is being checked that can still be replaced unseen if it is damaged."""
        return held.state is GrowthState.GROWING and (held.size or 0) <= VERIFIED_FIRST

    def join(self, suppliers: Sequence[Supplier], priority: Priority) -> bool:
        """Somebody else wants the same; whether it got more urgent by that."""
        before, self.priority = self.priority, min(self.priority, priority)
        self._suppliers += [supplier for supplier in suppliers if supplier not in self._suppliers]
        return self.priority < before

    def run(self) -> None:
        """All of it; whatever happens, the Growth ends."""
        failure: AptfreezeError | None = None
        try:
            self._obtain()
        except AptfreezeError as error:
            failure = error
        except OSError as error:
            failure = storage_error(self._objects.layout.root, error)
        finally:
            self._shell.ended(self, failure)

    def _obtain(self) -> None:
        if self.priority is Priority.FORGONE:
            raise ForgoneError("nobody wants it any more")
        if self._held is not None and self._watch(self._held):
            return
        self._objects.require_writable()
        while self.growth.state is GrowthState.GROWING:
            with Partial(self._objects, self.wanted, is_shared=self._follows) as partial:
                if not partial.is_mine and not self._follow(partial):
                    self._settle(partial)
                elif not self._is_archived():
                    self._fetch(partial)

    def _watch(self, held: Growth) -> bool:
        """Let a check of the archive's own object end; false if it is damaged."""
        try:
            held.wait()
        except IntegrityError:
            return False
        assert held.sha256 is not None
        self._complete(held)
        return True

    def _is_archived(self) -> bool:
        """Whether another process has finished just before we got the lock."""
        held = self._objects.growth(self.wanted.digest)
        if held is None or held.state is GrowthState.FAILED:
            return False
        self._void("it was replaced in the archive")
        return self._watch(held)

    def _complete(self, held: Growth) -> None:
        assert held.sha256 is not None
        assert held.size is not None
        self.growth.attach(held.share())
        self.growth.complete(held.sha256, held.size)

    # --- another process fetches it ---

    def _follow(self, partial: Partial) -> bool:
        """Show what comes until its holder has ended; true if the holder died and we hold the file now.

        A holder that brings nothing for as long as a mirror may be silent (it was stopped, or its machine hangs) is
        left alone, and we fetch the file by ourselves.
        """
        length, until = -1, 0.0
        while not partial.take_over():
            if partial.is_discarded:
                return False
            if length != partial.length:
                length, until = partial.length, time.monotonic() + self._shell.settings.read_timeout_s
            self._follows = time.monotonic() < until
            if not self._follows:
                return False
            self._show(partial, length)
            self._shell.pause(_POLL_S)
        return partial.is_named

    def _settle(self, partial: Partial) -> None:
        """The followed file is no partial file any more: it is the object, or it was wrong."""
        if partial.became_object:
            self._finish(partial, self._objects.resolve(self.wanted.digest), partial.length)
        else:
            self._void("another process received wrong ones, or got stuck")

    # --- we fetch it ---

    def _fetch(self, partial: Partial) -> None:
        if partial.inherit() < self.growth.ready:  # it is another file now than the one that was followed and shown
            self._void("what another process received cannot be gone on with")
        self._show(partial, partial.have)
        if partial.have == self.wanted.size and self._install(partial):
            return
        partial.require_room()
        self._forgive_if_nobody_is_left()
        in_turn(
            str(self.wanted.digest),
            self._suppliers,
            lambda supplier: self._attempt(partial, supplier),
            name=lambda supplier: supplier.name,
            settings=self._shell.settings,
            pause=self._shell.pause,
            standing=lambda supplier: supplier.standing(self._shell),
        )

    def _forgive_if_nobody_is_left(self) -> None:
        """A bit that flipped once on the way must not shut out the only mirror for as long as this process lives."""
        wrong = self._shell.wrong
        blamed = {(self.wanted.digest, supplier.name) for supplier in self._suppliers}
        if blamed <= wrong:
            wrong -= blamed

    def _attempt(self, partial: Partial, supplier: Supplier) -> None:
        """One supplier's turn: done, or the UpstreamError that says what the next turn is."""
        if (self.wanted.digest, supplier.name) in self._shell.wrong:
            raise WrongBytesError("had wrong bytes before")
        try:
            is_whole = self._receive(partial, supplier)
            if self._install(partial):
                return
            if not is_whole:  # a mixture: what is wrong may be somebody else's part
                self._receive(partial, supplier)
                if self._install(partial):
                    return
            raise WrongBytesError(f"the bytes do not match {self.wanted.digest}")
        except WrongBytesError as error:
            self._shell.wrong.add((self.wanted.digest, supplier.name))
            self._objects.notices.append(Notice(self.wanted.digest, supplier.name, error.message))
            raise

    def _receive(self, partial: Partial, supplier: Supplier) -> bool:
        """Append what the supplier has; going on at once after a cut that was progress.

        Returns whether all bytes are this supplier's.
        """
        may_begin_anew = True
        while True:
            before = partial.have
            try:
                with supplier.open(self._shell, self.wanted, partial.have, self) as delivery:
                    self._take(partial, supplier, delivery)
                return partial.contributors <= {supplier.name}
            except UnusableRangeError:
                if not (before and may_begin_anew):  # who cuts each time would be asked for ever
                    raise
                may_begin_anew = False
                self._discard(partial, "a mirror could not go on")
            except PassingError as error:
                if isinstance(error, UnreachableError) or partial.have - before < _PROGRESS:
                    raise

    def _take(self, partial: Partial, supplier: Supplier, delivery: Delivery) -> None:
        limit = self.wanted.size if self.wanted.size is not None else LARGEST_UNKNOWN
        position = delivery.start
        for piece in delivery.pieces:
            fresh = piece[max(0, partial.have - position) :]  # who ignores Range sends what we have once more
            position += len(piece)
            if partial.have + len(fresh) > limit:
                self._discard(partial, "a mirror sent too much")
                raise WrongBytesError(f"sends more than {limit} bytes")
            if fresh:
                partial.append(fresh)
                partial.contributors.add(supplier.name)
                self._show(partial, partial.have)
        if not delivery.is_framed and self.wanted.size is not None and partial.have < self.wanted.size:
            raise PassingError(f"ended after {partial.have} of {self.wanted.size} bytes")

    def _install(self, partial: Partial) -> bool:
        """Make the file an object if its bytes are right; else throw it away."""
        objection = partial.objection()
        if objection is not None:
            self._discard(partial, objection)
            return False
        sha256 = partial.install()
        self._finish(partial, sha256, partial.have)
        return True

    def _discard(self, partial: Partial, why: str) -> None:
        partial.discard()
        self._void(why)

    # --- what readers see ---

    def _show(self, partial: Partial, have: int) -> None:
        self.growth.received = have
        ready = sendable(have, self.wanted.size)
        if ready > self.growth.ready:
            if not self.growth.is_attached:
                self.growth.attach(partial.descriptor())
            self.growth.publish(ready)

    def _finish(self, partial: Partial, sha256: Digest | None, size: int) -> None:
        assert sha256 is not None
        if not self.growth.is_attached:
            self.growth.attach(partial.descriptor())
        self.growth.complete(sha256, size)

    def _void(self, why: str) -> None:
        """What was shown so far is not to be relied on: its readers are cut off, later ones begin anew."""
        if self.growth.is_attached:
            self._objects.taint(self.wanted.digest)
            old = self._shell.replace_growth(self)
            old.fail(ReplacedError(f"{self.wanted.digest}: wrong bytes were received, ask again ({why})"))
