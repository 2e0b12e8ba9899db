# SPDX-License-Identifier: MIT
"""The wrappers `mmdebstrap` and `debootstrap`, first in COMMAND's PATH.

mmdebstrap makes an apt configuration of its own and drops ours, so its apt would refuse a frozen suite whose
Valid-Until has passed. The wrapper runs the real one with two hooks in front of the user's arguments: the setup hook
writes apt's options into the root that is built, the extract hook removes them. The only `apt-get update` of mmdebstrap
lies between the two, and all of these options are about updates.

Where suites are served signed by the environment's key, that key has to count: beside the keys that mmdebstrap gives to
its apt (the host's, or those of `--keyring`), in a folder in the root that the same hooks make and remove. A source
line that mmdebstrap makes itself then names no other key (`check/signed-by`). debootstrap has a wrapper only then: it
gets the key by `--keyring`, which the user's own takes back.

Whom apt trusts by https counts until the last package is fetched, and so long no file can stay in the root: the setup
hook adds it to the configuration file that mmdebstrap gives its apt, which lies outside of the root and is removed.

Rule 1: nothing of ours is in the image. The extract hook is the first one after the update and the only one that runs
for every variant (`extract` has no customize hooks); the user's own extract hooks run after it, and one that packs the
root finds our files gone and the folders with their old time.
Rule 2: the hooks are text in the arguments, no files: in unshare mode they run as another user in a namespace that may
not be able to read our folder.
Rule 3: no proxy is written; mmdebstrap passes the environment variables on.

What this leaves out: an `apt-get update` in a user's later hook does not see the options and refuses an expired suite.

Seen in mmdebstrap 1.3.5: options before the user's ones are taken in every mode; a user's `--aptopt` is read after our
file (`99mmdebstrap`) and wins; `--hook-helper`, `--hook-listener` and `--unshare-helper` must be the first word; one
file and one folder can be given with `--keyring`, the last of each counts.
"""

import os
import shlex
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from aptfreeze.launch.aptconf import CA_INFO, FROZEN_RULES, apt_options
from aptfreeze.launch.notice import Notice

_FILE: Final = "etc/apt/apt.conf.d/00aptfreeze"
_KEYS: Final = "etc/apt/aptfreeze.d"
_TRUSTED_PARTS: Final = ("Dir::Etc::TrustedParts", "aptfreeze.d")
"""Relative to Dir::Etc of the root."""
_KEYRING: Final = "aptfreeze.gpg"
_WRITE_OPTIONS: Final = f'printf %s {{options}} > "$1/{_FILE}"'
_WRITE_KEYS: Final = (
    f'k="$1/{_KEYS}"; mkdir "$k"; '
    'eval "$(APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-config shell p Dir::Etc::TrustedParts/d)"; '
    'for f in "$p"/*.gpg "$p"/*.asc; do if [ -s "$f" ]; then cp "$f" "$k"; fi; done; '
    'printf %s {key} > "$k/aptfreeze.asc"; '
)
"""Before the options, which change what is asked here."""
_TRUST: Final = 'printf %s {option} >> "$MMDEBSTRAP_APT_CONFIG"; '
_REMOVE: Final = 'if [ -e "$f" ]; then d="${f%/*}"; t=$(stat -c %y "$d") && rm -r "$f" && touch -d "$t" "$d"; fi'
_SCRIPT: Final = """\
#!/bin/sh
# Written by aptfreeze for one run: mmdebstrap with apt options for frozen repositories that leave the image again.
case "${{1-}}" in --hook-helper | --hook-listener | --unshare-helper) exec {real} "$@" ;; esac
exec {real} {options} "$@"
"""
_DEBOOTSTRAP: Final = """\
#!/bin/sh
# Written by aptfreeze for one run: debootstrap with the key that frozen suites are signed with.
exec {real} --keyring={keyring} "$@"
"""


def write_wrappers(
    folder: Path, path: str, certificate: bytes = b"", *, unshares: bool = False, authorities: Path | None = None
) -> tuple[str, tuple[Notice, ...]]:
    """Write the wrappers into the new folder; the PATH that has it in front.

    `certificate` is the key that suites are served signed with, if they are. `unshares`: mmdebstrap is to use its
    unshare mode, since the root that it would be is one of a user namespace. `authorities`: the file of those whom its
    apt trusts by https. A program that the PATH does not have is
    not wrapped, and where there is none, the PATH is returned as it is: a script that looks whether mmdebstrap is there
    must not find ours.
    """
    scripts = dict(_scripts(folder, path, certificate, unshares, authorities))
    if not scripts:
        return path, ()
    folder.mkdir(parents=True)
    if certificate:
        (folder / _KEYRING).write_bytes(certificate)
    for name, text in scripts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    if not all(os.access(folder / name, os.X_OK) for name in scripts):
        return path, (_not_executable(folder, scripts),)
    return f"{folder}{os.pathsep}{path}", ()


def _scripts(
    folder: Path, path: str, certificate: bytes, unshares: bool, authorities: Path | None
) -> Iterator[tuple[str, str]]:
    if mmdebstrap := shutil.which("mmdebstrap", path=path):
        real_one, mode = Path(mmdebstrap).absolute(), "unshare" if unshares else ""
        yield "mmdebstrap", mmdebstrap_wrapper(real_one, FROZEN_RULES, certificate, mode, authorities)
    if certificate and (debootstrap := shutil.which("debootstrap", path=path)):
        real, keyring = (shlex.quote(str(each)) for each in (Path(debootstrap).absolute(), folder / _KEYRING))
        yield "debootstrap", _DEBOOTSTRAP.format(real=real, keyring=keyring)


def mmdebstrap_wrapper(
    real: Path,
    rules: Iterable[tuple[str, str]],
    certificate: bytes = b"",
    mode: str = "",
    authorities: Path | None = None,
) -> str:
    """The text of the wrapper script for the real mmdebstrap; the user's own --mode, behind `mode`, wins."""
    setup, removed, more = "", [_FILE], ""
    if certificate:
        from aptfreeze.trust.armor import armored  # start-up time

        setup = _WRITE_KEYS.format(key=shlex.quote(armored(certificate, "PUBLIC KEY BLOCK").decode()))
        rules, removed, more = (*rules, _TRUSTED_PARTS), [_FILE, _KEYS], " --skip=check/signed-by"
    if authorities is not None:
        setup += _TRUST.format(option=shlex.quote(apt_options([(CA_INFO, str(authorities))])))
    setup += _WRITE_OPTIONS.format(options=shlex.quote(apt_options(rules).replace("\n", " ")))
    extract = "; ".join(f'f="$1/{each}"; {_REMOVE}' for each in removed)
    options = f"--setup-hook={shlex.quote(setup)} --extract-hook={shlex.quote(extract)}{more}"
    if mode:
        options += f" --mode={mode}"
    return _SCRIPT.format(real=shlex.quote(str(real)), options=options)


def _not_executable(folder: Path, names: Iterable[str]) -> Notice:
    return Notice(
        f"{' and '.join(names)} run without what frozen suites need: nothing can be executed in {folder}",
        hint="let TMPDIR name a folder that is not mounted with noexec",
    )
