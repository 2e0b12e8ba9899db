# SPDX-License-Identifier: MIT
"""Whether every installed package came from this generation, as text and as data.

Rule 1: name, version and architecture are compared with the signed indexes. The files of the image are not: what
somebody changes after dpkg has unpacked it, no list of packages tells.
Rule 2: "not read" is not "no": where an index could not be looked into, that is said beside what was not found.
"""

from collections.abc import Iterator
from typing import Any

from aptfreeze.describe.amounts import counted
from aptfreeze.describe.closure import Piece
from aptfreeze.describe.deployed import Deployed
from aptfreeze.describe.description import Description
from aptfreeze.errors import IntegrityError, UpstreamError
from aptfreeze.values import immutable

_NAMES = 3


@immutable
class Verification:
    description: Description

    @property
    def strangers(self) -> list[Deployed]:
        """Those that no pinned suite lists and no exception names."""
        return [each for each in self.description.deployment.unknown if not self.description.exemption(each)]

    @property
    def declared(self) -> list[tuple[Deployed, str]]:
        """Those that an exception names, with its reason."""
        exempted = ((each, self.description.exemption(each)) for each in self.description.deployment.unknown)
        return [(each, exemption.reason) for each, exemption in exempted if exemption]

    @property
    def ambiguous(self) -> list[Deployed]:
        return [each for each in self.description.deployment.packages if each.others]

    @property
    def torn(self) -> list[Deployed]:
        """Those that dpkg did not install to their end."""
        return [each for each in self.description.deployment.packages if each.package.state != "installed"]

    @property
    def exit_status(self) -> int:
        """4 if what could not be read may be had another time."""
        if not self.strangers:
            return 0
        errors = [each.error for each in self.description.deployment.unread]
        is_passing = any(isinstance(error, UpstreamError) for error in errors)
        return UpstreamError.exit_code if is_passing else IntegrityError.exit_code

    # --- for people ---

    def lines(self) -> Iterator[str]:
        for each in self.strangers:
            yield f"NOT of this generation: {each.package}{_near_text(each)}"
        for each, reason in self.declared:
            yield f"declared: {each.package}: {reason}"
        for each in self.ambiguous:
            suites = ", ".join(str(piece.suite) for piece in (each.piece, *each.others) if piece)
            yield f"of this generation, but with other bytes in each suite: {each.package} ({suites})"
        for each in self.torn:
            yield f"not installed to its end: {each.package} ({each.package.state})"
        for unread in self.description.deployment.unread:
            yield f"not read: {unread.path or 'the Release'} of {unread.key}: {unread.error.message}"
        yield from self._result()

    def _result(self) -> Iterator[str]:
        generation, packages = self.description.generation.id[:12], self.description.deployment.packages
        frozen, declared = len(packages) - len(self.strangers) - len(self.declared), len(self.declared)
        yield (
            f"{counted(len(packages), 'package')} installed: {frozen} of generation {generation}"
            f"{f', {declared} declared' if declared else ''}{f', {len(self.strangers)} not' if self.strangers else ''}"
        )
        if self.strangers:
            yield (
                "Hint: build with aptfreeze run, which tells what got around it (aptfreeze doctor); "
                "a package of your own is declared by an [[exception]] in aptfreeze.toml"
            )

    # --- for programs ---

    def data(self) -> dict[str, Any]:
        """For `--json`."""
        description = self.description
        return {
            "generation": description.generation.id,
            "state": str(description.state),
            "rootfs": str(description.rootfs.path) if description.rootfs else None,
            "installed": len(description.deployment.packages),
            "strangers": [{**_names(each), "near": [_piece(piece) for piece in each.near]} for each in self.strangers],
            "declared": [{**_names(each), "reason": reason} for each, reason in self.declared],
            "ambiguous": [
                {**_names(each), "files": [_piece(piece) for piece in (each.piece, *each.others) if piece]}
                for each in self.ambiguous
            ],
            "torn": [{**_names(each), "state_of_dpkg": each.package.state} for each in self.torn],
            "unread": [
                {
                    "repository": each.key.repository,
                    "suite": each.key.suite,
                    "path": each.path or None,
                    "reason": each.error.message,
                }
                for each in description.deployment.unread
            ],
            "exit_status": self.exit_status,
        }


def _near_text(each: Deployed) -> str:
    if not each.near:
        return " (no pinned suite has a package of this name)"
    names = [f"{piece.name.partition(' ')[2]} in {piece.suite}" for piece in each.near]
    return f" (pinned suites have {', '.join(names[:_NAMES])}{', ...' if len(names) > _NAMES else ''})"


def _names(each: Deployed) -> dict[str, str]:
    package = each.package
    return {"name": package.name, "version": package.version, "architecture": package.architecture}


def _piece(piece: Piece) -> dict[str, Any]:
    assert piece.entry is not None
    return {
        "version": piece.entry.version,
        "architecture": piece.entry.architecture,
        "repository": piece.suite.repository if piece.suite else None,
        "suite": piece.suite.suite if piece.suite else None,
        "digest": str(piece.forms[0].wanted.digest),
    }
