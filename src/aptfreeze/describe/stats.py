# SPDX-License-Identifier: MIT
"""What an archive consists of, who needs how much of it, and what the runs of an environment fetched; text and data."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aptfreeze.archive.survey import Amount
from aptfreeze.describe.amounts import counted, size_text
from aptfreeze.environment.records import Totals
from aptfreeze.environment.sessions import Summary
from aptfreeze.values import immutable

_TOLD = {
    "pinned": "pinned files",
    "partial": "interrupted, or running, downloads",
    "quarantine": "in quarantine",
    "tables": "look-up tables",
    "temporary": "temporary files",
}
_LATEST = 10
"""Sessions are told one by one to people; all of them to programs."""


@immutable
class Share:
    """What one environment needs of what the archive holds."""

    name: str
    needed: Amount
    alone: Amount
    """Of that, what no other environment needs that the archive knows."""
    problem: str = ""
    """Why that cannot be told; empty: it can."""


@immutable
class Stats:
    archive: Path
    kinds: Mapping[str, Amount]
    """Objects, by what they are, as far as indexes at hand tell it."""
    condemned: Amount
    """Of the objects, those that gc has put out of the way, and that a later one deletes."""
    aside: Mapping[str, Amount]
    """What is no object: by what it is."""
    growth: Mapping[str, Amount]
    """What has come since, by name of the time; what came longer ago and was removed since counts nowhere."""
    free: int
    """Bytes that are left on the disk for this user."""
    shares: tuple[Share, ...]
    environment: str
    """The folder of this environment."""
    sessions: tuple[Summary, ...]
    """Of this environment in all generations, oldest first."""

    @property
    def objects(self) -> Amount:
        return sum(self.kinds.values(), Amount())

    @property
    def totals(self) -> Totals:
        return sum((each.totals for each in self.sessions), Totals())

    @property
    def not_frozen(self) -> dict[str, int]:
        hosts = Counter[str]()
        for each in self.sessions:
            hosts.update(each.not_frozen)
        return dict(sorted(hosts.items()))

    # --- for people ---

    def lines(self) -> Iterator[str]:
        yield f"archive {self.archive}: {_text(self.objects, 'object')}; {size_text(self.free)} free"
        yield from (
            f"  {_TOLD.get(kind, kind)}: {_text(amount)}" for kind, amount in self.kinds.items() if amount.files
        )
        if self.condemned.files:
            yield f"  of these, needed by nobody and deleted by a later gc: {_text(self.condemned)}"
        yield from (f"{_TOLD[what]}: {_text(amount)}" for what, amount in self.aside.items() if amount.files)
        yield "new " + "; ".join(f"in the last {name}: {_text(amount)}" for name, amount in self.growth.items())
        for share in self.shares:
            yield f"environment {share.name}"
            yield f"  {_share_text(share)}"
        yield from self._session_lines()

    def _session_lines(self) -> Iterator[str]:
        yield f"runs on record in {self.environment}: {len(self.sessions)}"
        if not self.sessions:
            return
        yield f"  {counted(self.totals.requests, 'request')}; {_traffic(self.totals)}"
        for each in self.sessions[-_LATEST:]:
            ended = "" if each.has_ended else ", not ended"
            served = counted(each.packages, "package file")
            yield f"  {each.started:%Y-%m-%d %H:%M} {each.command}: {served}, {_traffic(each.totals)}{ended}"
        if len(self.sessions) > _LATEST:
            yield f"  and {len(self.sessions) - _LATEST} earlier ones"
        for host, requests in self.not_frozen.items():
            yield f"  not frozen: {host} ({counted(requests, 'request')})"

    # --- for programs ---

    def data(self) -> dict[str, Any]:
        return {
            "archive": str(self.archive),
            "objects": _data(self.objects),
            "kinds": {kind: _data(amount) for kind, amount in self.kinds.items()},
            "condemned": _data(self.condemned),
            "aside": {what: _data(amount) for what, amount in self.aside.items()},
            "growth": {name: _data(amount) for name, amount in self.growth.items()},
            "free": self.free,
            "environments": [
                {
                    "name": share.name,
                    "needed": _data(share.needed),
                    "alone": _data(share.alone),
                    "problem": share.problem or None,
                }
                for share in self.shares
            ],
            "environment": self.environment,
            "totals": _totals_data(self.totals),
            "sessions": [_session_data(each) for each in self.sessions],
            "not_frozen": self.not_frozen,
        }


def hit_ratio(totals: Totals) -> float | None:
    """How much of all bytes the archive had; None where there was nothing to have."""
    size = totals.from_archive + totals.from_mirrors
    return totals.from_archive / size if size else None


def _text(amount: Amount, noun: str = "file") -> str:
    return f"{counted(amount.files, noun)}, {size_text(amount.size)}"


def _share_text(share: Share) -> str:
    if share.problem:
        return f"what it needs cannot be told: {share.problem}"
    shared = Amount(share.needed.files - share.alone.files, share.needed.size - share.alone.size)
    return f"needs {_text(share.needed)}; alone {_text(share.alone)}; shared {_text(shared)}"


def _traffic(totals: Totals) -> str:
    ratio = hit_ratio(totals)
    had = "nothing fetched" if ratio is None else f"{100 * ratio:.0f}% of it archived before"
    return f"{size_text(totals.from_archive)} from the archive, {size_text(totals.from_mirrors)} from mirrors ({had})"


def _data(amount: Amount) -> dict[str, int]:
    return {"files": amount.files, "bytes": amount.size}


def _totals_data(totals: Totals) -> dict[str, Any]:
    return {
        "requests": totals.requests,
        "from_archive": totals.from_archive,
        "from_mirrors": totals.from_mirrors,
        "mirror_requests": totals.mirror_requests,
        "hit_ratio": hit_ratio(totals),
    }


def _session_data(each: Summary) -> dict[str, Any]:
    return {
        "session": each.id,
        "generation": each.generation,
        "started": each.started.isoformat(),
        "by": each.command,
        "ended": each.has_ended,
        "packages": each.packages,
        "not_frozen": dict(each.not_frozen),
        **_totals_data(each.totals),
    }
