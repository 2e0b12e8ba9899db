# SPDX-License-Identifier: MIT
"""What `doctor` sees of https: who stands in for a host, for whom, until when, and whom mirrors have to be known by."""

import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from aptfreeze.environment.authorities import authority_file, check_makeable, held_authority
from aptfreeze.errors import AptfreezeError, UsageError
from aptfreeze.fetch.aptread import Option
from aptfreeze.fetch.hosttls import HostTls
from aptfreeze.fetch.tls import load_files
from aptfreeze.fetch.untrusted import Shown
from aptfreeze.fetch.url import Endpoint
from aptfreeze.launch.authorities import ca_options
from aptfreeze.launch.finding import Finding, Level
from aptfreeze.settings import InterceptSettings, TlsSettings, is_listed

_SOON = timedelta(days=30)
_OFF = ("false", "no", "0", "off")


def look_at_authority(settings: InterceptSettings, now: datetime, *, is_needed: bool) -> Iterator[Finding]:
    """Findings about the authority that https is served frozen with, which is not made; `is_needed`: by somebody."""
    level = Level.PROBLEM if is_needed else Level.NOTE
    path = authority_file(settings)
    names = f"for {', '.join(settings.certificates_for)} alone" if settings.certificates_for else "for every host"
    try:
        held = held_authority(settings)
        if held is None:
            check_makeable(path)
    except AptfreezeError as error:
        why = "run goes on without it, and an apt that asks by https is refused"
        yield Finding(level, error.message, why, error.hint or "")
        return
    if held is None:
        yield Finding(Level.OK, f"the authority for https is made by the first run: {path}, {names}")
        return
    shown = Shown.parse(ssl.PEM_cert_to_DER_cert(held.certificate.decode()))
    end = now if shown is None else shown.end
    if now + _SOON < end:
        yield Finding(Level.OK, f"the authority for https, {path}, signs {names} until {end:%Y-%m-%d}")
        return
    yield Finding(
        level if end <= now else Level.WARNING,
        f"the authority for https, {path}, counts until {end:%Y-%m-%d} only",
        "who trusts it breaks TLS handshakes off then, apt too",
        f"rm {path}: the next run makes a new one, and who else trusts it has to be told anew (aptfreeze ca)",
    )


def look_at_https_hosts(urls: Iterable[str], settings: InterceptSettings) -> Iterator[Finding]:
    """Findings about the hosts of apt's sources that are asked by https, and about those of [tls] intercept."""
    asked = [host for url in urls if url.startswith("https:") for host in _host(url)]
    for host in dict.fromkeys([*asked, *settings.intercept]):
        if is_listed(host, settings.tunnel):
            yield Finding(
                Level.WARNING,
                f"https://{host} passes in a tunnel, for apt too: [tls] tunnel lists it",
                "what comes from there is neither frozen nor recorded",
                "take it out of that list, unless it wants a client certificate of apt itself",
            )
        elif settings.certificates_for and not is_listed(host, settings.certificates_for):
            yield Finding(
                Level.PROBLEM,
                f"https://{host} cannot be frozen: [tls] certificates_for does not list it",
                "aptfreeze refuses it",
                f'list "{host}" there, or, to have it passed through unfrozen, in [tls] tunnel',
            )
        elif host in asked:
            yield Finding(Level.OK, f"https://{host} is frozen for apt: aptfreeze answers in its place")


def _host(url: str) -> Iterator[str]:
    with suppress(AptfreezeError):  # which is told where the way to it is looked at
        yield Endpoint.parse(url).host


def look_at_tls_options(options: Iterable[Option]) -> Iterator[Finding]:
    """Findings about apt's configuration for https."""
    options = tuple(options)
    for option in ca_options(options):
        told = f'apt is configured with {option.name} "{option.value}"'
        if not Path(option.value).is_file():
            yield Finding(
                Level.WARNING, f"{told}, and there is no such file", "run goes without; apt alone fails by it"
            )
            continue
        yield Finding(Level.NOTE, told, "run gives COMMAND's apt one file that has those, the system's, and its own")
    for option in options:
        if option.name.lower().startswith("acquire::https::verify-") and option.value.lower() in _OFF:
            why = "COMMAND's apt takes any certificate; aptfreeze verifies those of mirrors, and suites by signature"
            yield Finding(Level.NOTE, f'apt is configured with {option.name} "{option.value}"', why)


def look_at_mirror_files(settings: TlsSettings, now: datetime) -> Iterator[Finding]:
    """Findings about the files by which https mirrors are known, and we to them."""
    hosts: Mapping[str, HostTls] = {
        host: HostTls.of(Endpoint.parse(f"https://{host}"), settings) for host in settings.hosts
    }
    for tls in dict.fromkeys([HostTls(settings.ca), *hosts.values()]):
        try:
            load_files(tls)
            ends = _ends(tls.ca)
        except UsageError as error:
            yield Finding(Level.PROBLEM, error.message, "https mirrors that need it cannot be asked", error.hint or "")
            continue
        if ends and max(ends) <= now:
            yield Finding(
                Level.WARNING,
                f"the CA file {tls.ca} counted until {max(ends):%Y-%m-%d}",
                "what was signed by it is refused",
                "name a file with the CA's new certificate",
            )


def _ends(ca: Path | None) -> Sequence[datetime]:
    """Until when each CA of the file counts; those that cannot be read are left out."""
    if ca is None:
        return ()
    held = load_files(HostTls(ca, uses_system_cas=False)).get_ca_certs(binary_form=True)
    return [shown.end for shown in map(Shown.parse, held) if shown is not None]
