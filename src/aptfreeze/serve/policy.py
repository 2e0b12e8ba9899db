# SPDX-License-Identifier: MIT
"""What may pass through us that is no apt request, and for whom: the one decision, for requests and for tunnels.

Rule 1: [policy] passthrough and allow decide by the name that was asked for; which addresses the name may lead to is
decided when they are connected to (`Allowed.check`), and never by a second resolution.
Rule 2: for clients of other machines only public addresses are connected to, unless the name is in [policy] allow or
serve: else who reaches us reaches all that we reach. A client on loopback is on this machine and reaches it anyway.
Rule 3: whatever the decision is, the host is counted: it is named in the summary and in the record.
"""

from typing import TYPE_CHECKING

from aptfreeze.errors import RefusedError
from aptfreeze.fetch.places import places, shown
from aptfreeze.serve.session import Session
from aptfreeze.settings import Passthrough, PolicySettings
from aptfreeze.values import immutable

if TYPE_CHECKING:
    from aptfreeze.fetch.addresses import AddressCheck, Own


@immutable
class Allowed:
    check: "AddressCheck"
    """To be called with each address before it is connected to; raises RefusedError."""
    notice: str | None = None
    """What there is to say about it."""


@immutable
class Denied:
    reason: str
    hint: str


class Passage:
    """Who may have what passed through. `judge` decides; `enter` also counts and tells. Holds no state of its own."""

    def __init__(self, session: Session, settings: PolicySettings, own: "Own") -> None:
        """`own`: the addresses and ports that we listen on."""
        self._session = session
        self._mode = settings.passthrough
        self._allow = places(settings.allow)
        self._serve = places(settings.serve)
        self._own = own

    def judge(self, host: str, port: int, client: str, path: str | None = None) -> Allowed | Denied:
        """`host` in lower case, IPv6 without brackets; `client` is an IP address; `path` is None for a tunnel."""
        from aptfreeze.fetch.addresses import AddressCheck, is_loopback  # start-up time: ipaddress

        name = shown(host, port)
        is_listed = any(place.holds(host, port, path) for place in self._allow)
        is_known = is_listed or any(place.holds(host, port, path) for place in self._serve)
        check = AddressCheck(name, self._own, is_public_only=not (is_known or is_loopback(client)))
        if is_listed or self._mode is Passthrough.ALLOW:
            return Allowed(check)
        hint = f'list "{name}" in [policy] allow, or, for a single file, have it pinned: aptfreeze pin URL'
        if self._mode is Passthrough.WARN:
            return Allowed(check, f"{name} is not frozen, only passed through\nHint: {hint}")
        return Denied(f'{name} is not passed through: [policy] passthrough = "deny", and allow does not list it', hint)

    def enter(self, host: str, port: int, client: str, path: str | None = None) -> "AddressCheck":
        """Count it, tell what there is to tell, and return the check of its addresses; RefusedError if it is denied."""
        self._session.passed(shown(host, port))
        match self.judge(host, port, client, path):
            case Denied(reason, hint):
                raise RefusedError(reason, hint=hint)
            case Allowed(check, notice):
                if notice is not None:
                    self._session.notice(notice)
                return check
