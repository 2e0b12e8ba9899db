# SPDX-License-Identifier: MIT
"""What a run ends with: what was pinned, what was moved, what was not frozen, and whether it counts."""

from collections.abc import Iterator, Mapping
from typing import Any

from aptfreeze.describe.amounts import counted, size_text
from aptfreeze.environment.records import Totals
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, Pin, SuiteKey
from aptfreeze.values import immutable


@immutable
class Summary:
    """One run, for people (`lines`) and for programs (`data`)."""

    generation: Generation
    state: Digest
    pinned_now: Mapping[SuiteKey, Pin]
    """Those pins of the generation that this run made."""
    totals: Totals
    packages: int
    """Package files served."""
    not_frozen: Mapping[str, int]
    """Requests by host that passed through."""
    sources_missing: Mapping[str, str]
    """Sources indexes that could not be had, with the reason."""
    notices: tuple[str, ...]
    failures: tuple[str, ...]
    verdicts: tuple[str, ...]
    isolated: bool
    """Whether COMMAND had no IP network but the proxy."""
    proved: bool
    """Whether all that COMMAND got by IP is in the lock and the archive: isolated, locked, offline, no verdict, and
    COMMAND did not fail."""
    command_status: int
    exit_status: int

    def lines(self) -> Iterator[str]:
        """For stderr, without the program's name; notices, failures and verdicts were told when they happened."""
        yield f"generation {self.generation.id[:12]}, state {self.state.hex[:12]}"
        for key, pin in sorted(self.generation.pins.items()):
            date = f", of {pin.date:%Y-%m-%d %H:%M} UTC" if pin.date else ""
            when = "now" if key in self.pinned_now else "before"
            yield f"  {key}: pinned {when}{date}{'' if pin.signers else ', UNSIGNED'}"
        totals = self.totals
        yield (
            f"{counted(totals.requests, 'request')}, {counted(self.packages, 'package file')}: "
            f"{size_text(totals.from_archive)} from the archive, {size_text(totals.from_mirrors)} from mirrors "
            f"in {counted(totals.mirror_requests, 'request')}"
        )
        for host, requests in sorted(self.not_frozen.items()):
            yield f"NOT FROZEN: {host}, {counted(requests, 'request')}"
        for index, reason in self.sources_missing.items():
            yield f"no Sources of {index}: {reason}"
        if self.proved:
            yield "proved: isolated, locked and offline; by IP, COMMAND got only what the lock and the archive hold"
        elif self.isolated:
            yield "isolated: COMMAND had no IP network but this proxy (success with --locked and --offline is a proof)"
        if self.verdicts:
            reasons = counted(len(self.verdicts), "reason")
            yield f"this run does not count ({reasons} above); exit status {self.exit_status}"

    def data(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "generation": self.generation.id,
            "created": self.generation.created.isoformat(),
            "state": str(self.state),
            "suites": [
                {
                    "repository": key.repository,
                    "suite": key.suite,
                    "codename": pin.codename,
                    "date": pin.date.isoformat() if pin.date else None,
                    "pinned": "now" if key in self.pinned_now else "before",
                    "signers": list(pin.signers),
                }
                for key, pin in sorted(self.generation.pins.items())
            ],
            "requests": self.totals.requests,
            "packages": self.packages,
            "bytes_from_archive": self.totals.from_archive,
            "bytes_from_mirrors": self.totals.from_mirrors,
            "mirror_requests": self.totals.mirror_requests,
            "not_frozen": dict(sorted(self.not_frozen.items())),
            "sources_missing": dict(self.sources_missing),
            "notices": list(self.notices),
            "failures": list(self.failures),
            "verdicts": list(self.verdicts),
            "isolated": self.isolated,
            "proved": self.proved,
            "command_status": self.command_status,
            "exit_status": self.exit_status,
        }
