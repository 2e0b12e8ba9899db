# SPDX-License-Identifier: MIT
"""What `doctor` sees on the way between COMMAND, aptfreeze and mirrors: variables, apt's configuration and sources."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from aptfreeze.deb.paths import Location, PathError
from aptfreeze.describe.amounts import counted
from aptfreeze.errors import AptfreezeError
from aptfreeze.fetch.aptread import Option
from aptfreeze.fetch.proxies import Rules, without_password
from aptfreeze.fetch.url import Endpoint
from aptfreeze.launch.aptconf import proxy_notices
from aptfreeze.launch.aptentries import Entry
from aptfreeze.launch.finding import Finding, Level
from aptfreeze.settings import TrustSettings
from aptfreeze.trust.keyrings import keyrings_for, signed_by_entries

_OURS = ("http", "https")


def look_at_variables(environ: Mapping[str, str], *, is_locked: bool) -> Iterator[Finding]:
    """Findings about the environment variables."""
    for name in ("no_proxy", "NO_PROXY"):
        if value := environ.get(name):
            why = "with it COMMAND would ask some hosts directly; run takes it away from COMMAND, and heeds it itself"
            yield Finding(Level.NOTE, f'{name}="{value}"', why)
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        if value := environ.get(name):
            why = "run fetches by it, and gives COMMAND its own proxy instead"
            yield Finding(Level.NOTE, f'{name}="{without_password(value)}"', why)
    if environ.get("HTTP_PROXY") and not environ.get("http_proxy"):
        yield Finding(
            Level.WARNING,
            f'HTTP_PROXY="{without_password(environ["HTTP_PROXY"])}" and no http_proxy',
            "apt, wget, curl and aptfreeze heed http_proxy only",
            'export http_proxy="$HTTP_PROXY", if mirrors are reached by it',
        )
    if environ.get("CI") and not is_locked:
        yield Finding(
            Level.WARNING,
            "CI is set, and nothing forbids to write the lock file",
            "a suite that is not pinned yet would be pinned in this job, and maybe to another state in the next",
            "commit aptfreeze.lock, and use --locked or APTFREEZE_LOCKED=1",
        )


def look_at_options(options: Iterable[Option]) -> Iterator[Finding]:
    """Findings about apt's configuration."""
    options = tuple(options)
    for notice in proxy_notices(options):
        yield Finding.of(notice, Level.WARNING if notice.hint else Level.NOTE)
    for option in options:
        is_check = option.name.lower() in ("acquire::check-valid-until", "acquire::check-date")
        if is_check and option.value.lower() in ("true", "yes", "1", "on"):
            why = "run sets it to false for COMMAND: aptfreeze has checked both when it pinned"
            yield Finding(Level.NOTE, f'apt is configured with {option.name} "{option.value}"', why)


def look_at_sources(
    entries: Sequence[Entry], rules: Rules, trust: TrustSettings, *, resigns: bool
) -> Iterator[Finding]:
    """Findings about what this machine's apt uses; for an apt in another root they are a hint only."""
    for entry in entries:
        if entry.method not in _OURS:
            yield Finding(
                Level.WARNING,
                f"{entry.url} {entry.suite} of apt's sources is read by {entry.method}:, past every proxy",
                "what comes from there is neither frozen nor recorded",
                "serve it by http, or keep it in git beside the lock file",
            )
    for repository in dict.fromkeys(entry.url for entry in entries if entry.method in _OURS):
        yield _way_to(repository, rules)
        yield from _keys_of(repository, trust)
        if resigns:
            yield from _named_keys_of(repository)


def _way_to(url: str, rules: Rules) -> Finding:
    try:
        endpoint = Endpoint.parse(url)
        proxy = rules.proxy_for("https" if endpoint.is_secure else "http", endpoint.host, endpoint.port)
    except AptfreezeError as error:
        return Finding(Level.PROBLEM, f"{url} cannot be fetched: {error.message}", "", error.hint or "")
    return Finding(Level.OK, f"{url} is fetched {'directly' if proxy is None else f'by {proxy}'}")


def _named_keys_of(url: str) -> Iterator[Finding]:
    repository = url.partition("://")[2]
    for entry in signed_by_entries(Path("/")):
        if repository in entry.repositories:
            yield Finding(
                Level.WARNING,
                f"a source of {repository} names {', '.join(entry.files) or 'a key of its own'} by signed-by",
                "with resign = true suites are signed by the environment's key, which that is not",
                'name the one that "aptfreeze key --out FILE" writes',
            )


def _keys_of(url: str, trust: TrustSettings) -> Iterator[Finding]:
    try:
        repository = Location.parse(url.encode()).text.rstrip("/")
        found = keyrings_for(repository, trust)
    except (PathError, AptfreezeError) as error:
        fix = error.hint or "" if isinstance(error, AptfreezeError) else ""
        yield Finding(Level.PROBLEM, f"no key of {url} can be read: {error}", "", fix)
        return
    if found:
        yield Finding(Level.OK, f"signatures of {repository} are looked for in {counted(len(found), 'keyring')}")
        return
    yield Finding(
        Level.PROBLEM,
        f"no keyring is found for {repository}",
        "a suite is pinned only with a signature that counts",
        "install debian-archive-keyring, or name a file in [trust] keyrings in aptfreeze.toml",
    )
