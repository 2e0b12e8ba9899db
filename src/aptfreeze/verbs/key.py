# SPDX-License-Identifier: MIT
"""`aptfreeze key`: the public half of the key that re-signs suites, and what clients do with it."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

from aptfreeze.environment import files
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import UsageError
from aptfreeze.values import immutable

_PLACE = Path("/etc/apt/keyrings")
"""Where apt keeps keys that source lines name: sources.list(5)."""
_EXAMPLE = "http://mirror.example.org/debian"


class Format(StrEnum):
    """How keyrings are written. apt goes by the end of a file's name, gpgv and debootstrap take binary ones only."""

    ARMORED = "armored"
    BINARY = "binary"

    @property
    def suffix(self) -> str:
        return ".asc" if self is Format.ARMORED else ".gpg"


@immutable
class Given:
    """The public half, as it was asked for."""

    fingerprint: str
    private_file: Path
    """Where the private half is kept."""
    content: bytes
    armored: str
    file: Path | None
    """Where `content` was written to, absolute; None: nowhere."""
    named: Path
    """`file`, or a place where one could put it."""


def key(opened: Opened, *, out: Path | None = None, form: Format | None = None) -> Given:
    """The key of an environment, made if need be; written to `out` if given. `form` None: by the name of `out`.

    UsageError without `resign = true`, if the key is no good, or if `out` cannot be written.
    """
    if out is not None:
        files.check_deliverable(out)
    found = opened.signing_key()
    if found is None:
        raise UsageError(
            "suites are served here as their archives signed them: there is no key of this environment to trust",
            hint=f"write resign = true into {opened.environment.config_file}, above the first [table]",
        )
    form = form or (Format.BINARY if out is not None and out.suffix == Format.BINARY.suffix else Format.ARMORED)
    content = found.certificate if form is Format.BINARY else found.armored
    if out is not None:
        files.deliver(out, content)
    return Given(
        found.public.fingerprint,
        opened.settings.resign.key_file or opened.environment.resign_key,
        content,
        found.armored.decode(),
        None if out is None else out.absolute(),
        _PLACE / f"aptfreeze{form.suffix}" if out is None else out.absolute(),
    )


def data(given: Given) -> dict[str, Any]:
    """For `--json`."""
    return {
        "fingerprint": given.fingerprint,
        "private_file": str(given.private_file),
        "public_key": given.armored,
        "file": None if given.file is None else str(given.file),
        "one_line": _one_line(given),
        "deb822": f"Signed-By: {given.named}",
        "keyring_option": f"--keyring={given.named}",
    }


def lines(given: Given) -> Iterator[str]:
    """What a person does with it."""
    yield f"key {given.fingerprint} signs what is served; its private half is {given.private_file}"
    yield f"written to {given.file}" if given.file else f"to use it, put it into a file, say {given.named}; then"
    yield f"  in a .list file:     {_one_line(given)}"
    yield f"  in a .sources file:  Signed-By: {given.named}"
    yield f"  other tools:         mmdebstrap --keyring={given.named} ... (run does it by itself)"
    if given.named.suffix == Format.ARMORED.suffix:
        yield "  debootstrap and gpgv take binary keyrings only: aptfreeze key --out aptfreeze.gpg"
    yield "a source line whose signed-by names the archive's own key fails: that key did not sign what is served here"


def _one_line(given: Given) -> str:
    return f"deb [signed-by={given.named}] {_EXAMPLE} bookworm main"
