# SPDX-License-Identifier: MIT
"""Who may ask us, and for what, where other machines reach us: in front of everything else.

Rule 1: only a server that listens elsewhere than on loopback has a gate; there is none without a list or passwords.
Rule 2: with a list, everybody gets what it names and nothing else, frozen or passed through: what the gate cannot
read, it refuses. Mirrors' names count as the repository's own.
Rule 3: whatever is fetched is then fetched from public addresses, or from hosts that the environment names: a client
that says it is apt, and a mirror that redirects, get no further than one that says it is a browser.
"""

import base64
import binascii
import hmac
import stat
from asyncio import Future
from collections.abc import Callable
from pathlib import Path

from aptfreeze.deb.paths import Location
from aptfreeze.errors import UsageError
from aptfreeze.fetch.addresses import AddressCheck, Own
from aptfreeze.fetch.places import Named, Place, places, shown
from aptfreeze.fetch.url import Endpoint
from aptfreeze.freeze.generation import Generation
from aptfreeze.http.message import BadRequest, Request
from aptfreeze.serve.answers import MistakenRequest, text_reply
from aptfreeze.serve.reply import Handler, Reply
from aptfreeze.settings import PolicySettings, Settings
from aptfreeze.values import immutable

_PORTS = {"http": 80, "https": 443}


@immutable
class Gate:
    """What opens it."""

    places: tuple[Place, ...]
    """What is served; empty: everything."""
    credentials: frozenset[bytes]
    """`user:password`; empty: nobody is asked for one."""

    @classmethod
    def of(cls, policy: PolicySettings, where: str) -> "Gate":
        """The gate of a server that listens on `where`; UsageError if the settings have none, or a bad one."""
        if not policy.serve and policy.credentials is None:
            raise UsageError(
                f"other machines can reach {where}, and no setting says what they may have",
                hint="list repositories or hosts in [policy] serve of aptfreeze.toml, or name a file of passwords in "
                "[policy] credentials, or listen on 127.0.0.1",
            )
        known = frozenset[bytes]() if policy.credentials is None else read_credentials(policy.credentials)
        return cls(places(policy.serve), known)

    def knows(self, authorization: str | None) -> bool:
        """Whether a Proxy-Authorization field names one of the passwords (RFC 7617)."""
        scheme, _, token = (authorization or "").partition(" ")
        try:
            given = base64.b64decode(token.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        # All of them are compared, so that the time tells nothing about them.
        return scheme.lower() == "basic" and True in [hmac.compare_digest(given, known) for known in self.credentials]

    def serves(self, request: Request, identify: Callable[[str], str]) -> bool:
        """Whether it asks for something on the list; `identify` gives a location its repository's own name."""
        try:
            host, port, path = _tunnel(request) if request.method == "CONNECT" else _place(request, identify)
        except ValueError:
            return False
        return any(place.holds(host, port, path) for place in self.places)


class Gated:
    """A handler behind a gate. Holds no state of its own."""

    def __init__(
        self,
        handler: Handler,
        gate: Gate,
        identify: Callable[[str], str],
        reads: Callable[[Request], bool] = lambda _: False,
    ) -> None:
        """`reads`: whether it is a CONNECT whose requests come to this gate, too, one by one; MistakenRequest."""
        self._handler = handler
        self._reads = reads
        self._gate = gate
        self._identify = identify

    def __repr__(self) -> str:
        return f"<Gated {self._handler!r}>"

    def answer(self, request: Request) -> Reply | Future[Reply]:
        return self._refusal(request) or self._handler.answer(request)

    def refuse(self, bad: BadRequest) -> Reply:
        return self._handler.refuse(bad)

    def _refusal(self, request: Request) -> Reply | None:
        head_only = request.method == "HEAD"
        if self._gate.credentials and not self._gate.knows(request.headers.get("Proxy-Authorization")):
            reason = "this proxy wants a user and a password: http_proxy=http://USER:PASSWORD@HOST:PORT"
            challenge = (("Proxy-Authenticate", 'Basic realm="aptfreeze"'),)
            return text_reply(407, reason, reason, head_only=head_only, headers=challenge)
        if self._gate.places and not self._opens(request):
            reason = "this proxy serves other machines only what [policy] serve lists, and this is not on it"
            return text_reply(403, reason, reason, head_only=head_only)
        return None

    def _opens(self, request: Request) -> bool:
        try:
            return self._reads(request) or self._gate.serves(request, self._identify)
        except MistakenRequest:  # the target is none
            return False


def _tunnel(request: Request) -> tuple[str, int, None]:
    host, _, port = request.target.decode("ascii").lower().rpartition(":")
    return host.strip("[]"), int(port), None


def _place(request: Request, identify: Callable[[str], str]) -> tuple[str, int, str | None]:
    location = Location.parse(request.target)
    authority, slash, path = identify(location.text).partition("/")
    place = Place.parse(authority)
    # What else comes in a connection that another method got, nobody sees: that is a tunnel.
    is_seen = request.method in ("GET", "HEAD")
    return place.host, place.port or _PORTS[location.scheme], slash + path if is_seen else None


def read_credentials(file: Path) -> frozenset[bytes]:
    """The lines `user:password` of a file that nobody else can read; UsageError if it is no good."""
    hint = "one user:password in a line, in a file of mode 600"
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"cannot read the passwords in {file}: {error.strerror}", hint=hint) from error
    if mode & 0o077:
        raise UsageError(f"{file} holds passwords and can be read or written by others (mode {mode:o})", hint=hint)
    found = frozenset(line for line in lines if line.strip() and not line.startswith(b"#"))
    if not found or not all(b":" in line for line in found):
        raise UsageError(f"{file} has a line that is no user:password, or none that is", hint=hint)
    return found


def guard(settings: Settings, generation: Generation, own: Own) -> Callable[[Endpoint], AddressCheck]:
    """What is checked of each server that a file is fetched from, whoever asked for it and whatever led there."""
    pinned = [*(key.repository for key in generation.pins), *generation.extra]
    hosts = {location.partition("/")[0] for location in pinned}
    named = Named.by(settings, (f"{scheme}://{host}" for host in hosts for scheme in _PORTS))

    def check(endpoint: Endpoint) -> AddressCheck:
        return AddressCheck(shown(endpoint.host, endpoint.port), own, is_public_only=not named.holds(endpoint))

    return check
