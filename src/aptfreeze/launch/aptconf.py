# SPDX-License-Identifier: MIT
"""The apt configuration of COMMAND: the user's own, with ours on top, by the variable APT_CONFIG.

apt reads the file of APT_CONFIG *first*, then the folder `Dir::Etc::parts`, then the file `Dir::Etc::main`
(apt.conf(5)), and the last word wins. So our file

    FOLDER/apt.conf          includes FOLDER/first.d/: the user's own APT_CONFIG, our rules, and
                             `Dir::Etc::main "FOLDER/main.conf"`
    FOLDER/main.conf         includes FOLDER/last.d/: the original main file, then our rules again, now the last word

Rule 1: every file of the user is read, in apt's own order; a setting that we do not name keeps its value.
Rule 2: a host's own proxy and a proxy detector are cleared, also those of one program (`Binary::apt-get::...`, which
apt moves to the top after all files): each would go past the frozen repositories. Each one is told.
Rule 3: nothing here is an option of COMMAND or lies where an image is built, so nothing can end in an image. A tool
that sets its own APT_CONFIG or `Dir` (mmdebstrap, Isar) does not see these files.

The user's files are linked, not named in an `#include`: apt has no way to quote a path there.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from aptfreeze.errors import UsageError
from aptfreeze.fetch.aptread import Option
from aptfreeze.fetch.proxies import without_password
from aptfreeze.launch.authorities import ca_options
from aptfreeze.launch.notice import Notice

FROZEN_RULES: Final = (
    ("Acquire::Check-Valid-Until", "false"),  # checked once, when the suite was pinned
    ("Acquire::Check-Date", "false"),  # likewise; a clock that is behind must not matter
    ("Acquire::PDiffs", "false"),  # always 404; this spares the requests
    ("Acquire::Retries::Delay", "false"),  # apt 2.6 waits for ever after a 5xx while another suite of the host is due
    ("APT::Update::Error-Mode", "any"),  # the default ends `apt-get update` with 0 after a failed download
)
"""What a client of frozen repositories needs, with any proxy and in any root."""

NO_SANDBOX: Final = ("APT::Sandbox::User", "root")
"""For an apt whose root is the user outside: files that it gives to _apt could not be removed by that user."""

_SCOPED: Final = r"(?:Binary::[^:]+::)?"
_PROXY: Final = re.compile(_SCOPED + r"Acquire::https?::Proxy(?:::.*|-Auto-Detect|AutoDetect)?", re.IGNORECASE)


def apt_options(rules: Iterable[tuple[str, str]]) -> str:
    """The lines of an apt.conf(5) file. UsageError for a value that apt has no way to write."""
    return "".join(f'{name} "{_quotable(value)}";\n' for name, value in rules)


CA_INFO: Final = "Acquire::https::CAInfo"


def run_rules(proxy: str, authorities: Path | None = None) -> tuple[tuple[str, str], ...]:
    """What apt gets for one session: the frozen rules, the proxy, and the file of those that it trusts by https."""
    rules = (*FROZEN_RULES, ("Acquire::http::Proxy", proxy), ("Acquire::https::Proxy", proxy))
    return rules if authorities is None else (*rules, (CA_INFO, str(authorities)))


def write_configuration(
    folder: Path, rules: Sequence[tuple[str, str]], own: Sequence[Option], main: Path, user: Path | None
) -> Path:
    """Write the files below the new folder; the path that belongs into APT_CONFIG.

    `own` is what apt's configuration says without us, `main` its main file and `user` the file that the user's
    APT_CONFIG names.
    """
    text = _clearing(own, rules) + apt_options(rules)
    _write_part(folder / "first.d", text, user)
    (folder / "first.d/30main.conf").write_text(apt_options([("Dir::Etc::main", str(folder / "main.conf"))]))
    _write_part(folder / "last.d", text, main)
    (folder / "main.conf").write_text(f'#include "{_quotable(str(folder))}/last.d/";\n')
    (folder / "apt.conf").write_text(f'#include "{folder}/first.d/";\n')
    return folder / "apt.conf"


def proxy_notices(own: Iterable[Option]) -> tuple[Notice, ...]:
    """A notice for each setting of apt's own configuration that would go past our proxy."""
    return tuple(_proxy_notice(option) for option in own if option.value and _PROXY.fullmatch(option.name))


def _proxy_notice(option: Option) -> Notice:
    said = f'apt is configured with {option.name} "{without_password(option.value)}"; not used by the command'
    if "autodetect" in option.name.lower().replace("-", ""):
        return Notice(
            f"{said}, nor by aptfreeze, which starts no such program",
            hint='where a proxy is the only way, name it: [fetch] proxy = "http://HOST:PORT" in aptfreeze.toml',
        )
    if option.name.lower().startswith("binary::"):
        return Notice(f"{said}, nor by aptfreeze: it counts for one program only")
    return Notice(f"{said}: it gets all from aptfreeze, which goes by that setting itself")


def override_notices(rules: Iterable[tuple[str, str]], effective: Iterable[Option]) -> tuple[Notice, ...]:
    """A notice for each rule that does not hold in the configuration that apt reads with our files."""
    found = {option.name.lower(): option.value for option in effective}
    return tuple(
        Notice(
            f'apt uses {name} "{found.get(name.lower(), "")}" instead of "{value}"',
            hint="a file of apt's configuration sets RootDir or Dir::Etc::main; remove that setting for this build",
        )
        for name, value in rules
        if found.get(name.lower()) != value
    )


def _quotable(value: str) -> str:
    if '"' in value or "\n" in value:
        raise UsageError(
            f"apt cannot be told of {value!r}: its configuration has no way to write a double quote",
            hint="give the environment's folder, or the one that TMPDIR names, another name",
        )
    return value


def _write_part(folder: Path, text: str, before: Path | None) -> None:
    folder.mkdir(parents=True)
    if before is not None and before.is_file():
        (folder / "10user.conf").symlink_to(before.absolute())
    (folder / "20aptfreeze.conf").write_text(text)


def _clearing(own: Iterable[Option], rules: Iterable[tuple[str, str]]) -> str:
    """`#clear` lines for the proxies that apt knows, and for our rules where they are set for one program only."""
    scoped = re.compile("Binary::[^:]+::(?:" + "|".join(re.escape(name) for name, _ in rules) + ")", re.IGNORECASE)
    always = ["Acquire::http::Proxy", "Acquire::http::Proxy-Auto-Detect", "Acquire::http::ProxyAutoDetect"]
    always += [name.replace("http", "https") for name in always]
    found = [option.name for option in own if _PROXY.fullmatch(option.name) or scoped.fullmatch(option.name)]
    if any(name == CA_INFO for name, _ in rules):
        found += [option.name for option in ca_options(own)]
    return "".join(f"#clear {name};\n" for name in dict.fromkeys([*always, *found]))
