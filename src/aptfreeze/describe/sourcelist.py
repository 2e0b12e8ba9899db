# SPDX-License-Identifier: MIT
"""The apt sources of an export, and what it tells a person who has never heard of aptfreeze. Text only.

Norm: sources.list(5), the deb822 format.
Rule 1: `file:` needs absolute paths, and nobody knows where an export will lie: `@URI@` and `@EXPORT@` stand for it
until the script `sources` fills them in.
Rule 2: dates were checked when the suites were pinned. After that they would only end what is to last, so no entry
checks them; all entries of one suite must say the same.
"""

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from aptfreeze.deb.paths import quoted
from aptfreeze.freeze.generation import SuiteKey
from aptfreeze.values import immutable

TEMPLATE = "aptfreeze.sources"
SCRIPT = "sources"


@immutable
class Entry:
    """What an export has of one suite."""

    key: SuiteKey
    components: tuple[str, ...] = ()
    """Empty for a flat suite."""
    architectures: tuple[str, ...] = ()
    """Empty: whatever it has."""
    has_sources: bool = False
    keyring: str = ""
    """Path in the export of the file with its signers' certificates; empty if there is none."""
    is_signed: bool = True

    def lines(self) -> Iterator[str]:
        yield f"# {self.key}"
        yield f"Types: deb{' deb-src' if self.has_sources else ''}"
        yield f"URIs: @URI@/repositories/{quoted(self.key.repository)}"
        yield f"Suites: {self.key.suite}"
        if self.components:
            yield f"Components: {' '.join(self.components)}"
        if self.architectures:
            yield f"Architectures: {' '.join(self.architectures)}"
        if self.keyring:
            yield f"Signed-By: @EXPORT@/{self.keyring}"
        if not self.is_signed:
            yield "# nobody has signed it, which the environment's [trust] unsigned allowed"
            yield "Trusted: yes"
        yield "Check-Valid-Until: no"
        yield "Check-Date: no"


def template(entries: Sequence[Entry]) -> str:
    """The sources with places for the path."""
    head = f"# Written by aptfreeze export. The script {SCRIPT} prints it with the path filled in.\n"
    return head + "".join("\n" + "".join(f"{line}\n" for line in each.lines()) for each in entries)


def keyring_name(key: SuiteKey) -> str:
    """Of a suite, as apt names the files of its lists; GnuPG takes no path that has a colon."""
    place = key.repository if key.is_flat else f"{key.repository}/{key.suite}"
    return f"{quote(place, safe='/+~').replace('_', '%5f').replace('/', '_')}.gpg"


script = f"""\
#!/bin/sh
# Prints the apt sources of this export: sh {SCRIPT} [ADDRESS]
# Without ADDRESS, apt reads the folder that this script lies in (file:/...). ADDRESS is another name of that folder:
# copy:/path/of/it, or http://host/path where a web server shows it. Keyrings are taken from the folder in any case.
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
address=${{1:-file:$here}}
case $here in
*[!A-Za-z0-9/._+~=-]*)
    echo "$0: apt takes no path that has blanks or other special characters: $here" >&2
    exit 1 ;;
esac
case $address in
*[!A-Za-z0-9/._+~=:@%-]*)
    echo "$0: not an address that apt takes: $address" >&2
    exit 1 ;;
esac
sed -e "s|@URI@|$address|" -e "s|@EXPORT@|$here|" "$here/{TEMPLATE}"
"""


def documents(generation: str, state: str, entries: Sequence[Entry]) -> dict[str, bytes]:
    """The files of an export that are for people and apt, by path."""
    suite = next((each.key.suite for each in entries if not each.key.is_flat), "SUITE")
    texts = [("README", readme(generation, state, suite)), (TEMPLATE, template(entries)), (SCRIPT, script)]
    return {path: text.encode() for path, text in texts}


def readme(generation: str, state: str, suite: str) -> str:
    """`suite` is one that an image can be made of."""
    return f"""\
The packages of one frozen state of apt repositories, and all that apt and
aptfreeze need to use them: made by aptfreeze export.

  generation {generation}
  state      {state}

It is an apt repository, with the signatures of those who made the packages:
their InRelease, their indexes, and of their packages those that were chosen.
apt needs no aptfreeze for it. A package that is not here cannot be installed
from it, although the indexes list it.

Is everything here, and undamaged?

  sha256sum -c --quiet SHA256SUMS

For apt, wherever this folder lies, if the user _apt can read it:

  sh {SCRIPT} > /etc/apt/sources.list.d/frozen.sources
  apt-get update

For mmdebstrap, which copies the packages into the image:

  sh {SCRIPT} copy:"$PWD" | mmdebstrap {suite} image.tar -

For other machines, show this folder by any web server, and give its address
to the script, which is run where the keyrings are:

  sh {SCRIPT} http://host/path > frozen.sources

For aptfreeze at another site, which gets the lock file, the records and the
archive back, and builds the identical image without a network. EXPORT is
this folder, or the tar archive that it came as:

  mkdir product && cd product
  aptfreeze import EXPORT
  aptfreeze run --locked --offline -- COMMAND

What is here:

  aptfreeze.lock   the pinned states, by hash
  aptfreeze.toml   settings, without those of one machine
  export.json      what this is, and every file with its size and sha256
  repositories/    HOST/PATH, as the servers have it
  keyrings/        public certificates of those who signed, by suite
  extra/           single files
  sbom/            bills of materials
  records/         what the builds used, for aptfreeze
"""
