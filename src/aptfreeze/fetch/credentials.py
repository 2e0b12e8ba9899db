# SPDX-License-Identifier: MIT
"""Users and passwords for mirrors, from files as apt_auth.conf(5) and netrc describe them.

Rule 1: they are sent to the machine, port and path that an entry names, and to nobody else: each URL is looked up anew,
also the one that a redirect leads to.
Rule 2: over https only, unless the entry itself says `http://`.
Rule 3: no message, log or `repr` holds a password.
"""

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from aptfreeze.errors import UpstreamError, UsageError
from aptfreeze.fetch.aptread import Option, credential_files
from aptfreeze.fetch.connection import Head
from aptfreeze.fetch.url import Endpoint
from aptfreeze.values import immutable

_MACHINE = re.compile(r"(?:([a-z+]+)://)?(\[[0-9A-Fa-f:.]+\]|[^:/\[\]]+)(?::([0-9]+))?(/.*)?", re.I)
_LARGEST = 1 << 20
"""Bytes of one file."""


@immutable
class Entry:
    """One `machine` with its login."""

    scheme: str
    host: str
    port: int | None
    """None: every port."""
    path: str
    """How the path of a URL has to begin."""
    user: str
    password: str
    file: Path
    """Where it stands, for messages."""

    def __repr__(self) -> str:
        return f"<Entry for {self.scheme}://{self.host}{self.path} of {self.file}>"

    def matches(self, endpoint: Endpoint) -> bool:
        return (
            self.scheme == ("https" if endpoint.is_secure else "http")
            and self.host == endpoint.host
            and self.port in (None, endpoint.port)
            and endpoint.target.startswith(self.path)
        )


class Credentials:
    """What the files say. They are read once, when something is fetched first; the value never changes then."""

    def __init__(self, files: Sequence[Path] | None, options: Callable[[], Iterable[Option]] = tuple) -> None:
        """`files` in the order in which they count; None: those of this machine's apt, which `options` tells about.

        UsageError for a named file that cannot be read; apt's own are passed over then, which `refusal` tells.
        """
        self._files = tuple(credential_files(options()) if files is None else files)
        self._unreadable: list[Path] = []
        self._entries: list[Entry] = []
        for file in self._files:
            try:
                self._entries += parse(_read(file), file)
            except FileNotFoundError as error:
                if files is not None:
                    raise _unusable(file, error) from error
            except OSError as error:
                if files is not None:
                    raise _unusable(file, error) from error
                self._unreadable.append(file)

    def __repr__(self) -> str:
        return f"<Credentials {self._entries}>"

    def entry(self, endpoint: Endpoint) -> Entry | None:
        """The first that is for this URL."""
        return next((entry for entry in self._entries if entry.matches(endpoint)), None)

    def fields(self, endpoint: Endpoint) -> dict[str, str]:
        """What a request for this URL has to say: nothing, or `Authorization` (RFC 7617)."""
        entry = self.entry(endpoint)
        if entry is None:
            return {}
        said = base64.b64encode(f"{entry.user}:{entry.password}".encode("latin-1")).decode()
        return {"Authorization": f"Basic {said}"}

    def refusal(self, endpoint: Endpoint, head: Head) -> UpstreamError:
        """What a 401 or 403 means, and what to do about it."""
        status = f"{head.status} {head.reason}".rstrip()
        entry = self.entry(endpoint)
        scheme = (head.get("WWW-Authenticate") or "Basic").split(" ")[0]
        if entry is not None:
            return UpstreamError(
                f"{status}: {endpoint.server} does not let user {entry.user!r} of {entry.file} have it",
                hint=f"correct the entry for machine {endpoint.authority} there, or ask who runs that server",
            )
        if scheme.lower() != "basic":
            return UpstreamError(f"{status}: {endpoint.server} wants to know users by {scheme:.40}, which is not known")
        reasons = [f"no entry for it in {' or '.join(map(str, self._files)) or 'any file'}"]
        reasons += [f"{file} cannot be read by this user" for file in self._unreadable]
        machine = endpoint.authority if endpoint.is_secure else f"http://{endpoint.authority}"
        return UpstreamError(
            f"{status}: {endpoint.server} was told no user and password: {', '.join(reasons)}",
            hint=f'add "machine {machine} login USER password PASSWORD" to {self._place}',
        )

    @property
    def _place(self) -> str:
        return str(self._files[0]) if self._files else "a file that [fetch] credentials names"


def parse(data: bytes, file: Path) -> Iterator[Entry]:
    """The entries of a file; what is no `machine`, and one whose name cannot be understood, is passed over.

    `default` of netrc is not used: it would send a password to any host.
    """
    lines = (line for line in data.decode("latin-1").splitlines() if not line.lstrip().startswith("#"))
    tokens = iter(" ".join(lines).split())
    machine = ""
    said: dict[str, str] = {}
    for token in tokens:
        if token in ("machine", "default"):
            yield from _entry(machine, said, file)
            machine, said = next(tokens, "") if token == "machine" else "", {}
        elif token in ("login", "password"):
            said[token] = next(tokens, "")
    yield from _entry(machine, said, file)


def _entry(machine: str, said: dict[str, str], file: Path) -> Iterator[Entry]:
    match = _MACHINE.fullmatch(machine)
    if match is None or not said:
        return
    scheme, host, port, path = match.groups()
    yield Entry(
        (scheme or "https").lower(),
        host.strip("[]").lower(),
        int(port) if port else None,
        path or "/",
        said.get("login", ""),
        said.get("password", ""),
        file,
    )


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(_LARGEST)


def _unusable(file: Path, error: OSError) -> UsageError:
    return UsageError(
        f"the credentials file {file} cannot be read ({error.strerror})",
        hint="correct [fetch] credentials in aptfreeze.toml, or make the file readable for this user alone (mode 600)",
    )
