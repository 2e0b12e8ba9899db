# SPDX-License-Identifier: MIT
"""The wrapper `mmdebstrap`, first in COMMAND's PATH.

mmdebstrap makes an apt configuration of its own and drops ours, so its apt would refuse a frozen suite whose
Valid-Until has passed. The wrapper runs the real one with two hooks in front of the user's arguments: the setup hook
writes apt's options into the root that is built, the extract hook removes them. The only `apt-get update` of mmdebstrap
lies between the two, and all of these options are about updates.

Rule 1: nothing of ours is in the image. The extract hook is the first one after the update and the only one that runs
for every variant (`extract` has no customize hooks); the user's own extract hooks run after it, and one that packs the
root finds our file gone and the folder with its old time.
Rule 2: the hooks are text in the arguments, no files: in unshare mode they run as another user in a namespace that may
not be able to read our folder.
Rule 3: no proxy is written; mmdebstrap passes the environment variables on.

What this leaves out: an `apt-get update` in a user's later hook does not see the options and refuses an expired suite.

Seen in mmdebstrap 1.3.5: options before the user's ones are taken in every mode; a user's `--aptopt` is read after our
file (`99mmdebstrap`) and wins; `--hook-helper`, `--hook-listener` and `--unshare-helper` must be the first word.
"""

import os
import shlex
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from aptfreeze.launch.aptconf import FROZEN_RULES, apt_options
from aptfreeze.launch.notice import Notice

_FILE: Final = "etc/apt/apt.conf.d/00aptfreeze"
_SETUP_HOOK: Final = f'printf %s {{options}} > "$1/{_FILE}"'
_EXTRACT_HOOK: Final = (
    f'f="$1/{_FILE}"; d="${{f%/*}}"; if [ -e "$f" ]; then t=$(stat -c %y "$d") && rm "$f" && touch -d "$t" "$d"; fi'
)
_SCRIPT: Final = """\
#!/bin/sh
# Written by aptfreeze for one run: mmdebstrap with apt options for frozen repositories that leave the image again.
case "${{1-}}" in --hook-helper | --hook-listener | --unshare-helper) exec {real} "$@" ;; esac
exec {real} --setup-hook={setup} --extract-hook={extract} "$@"
"""


def write_wrappers(folder: Path, path: str) -> tuple[str, tuple[Notice, ...]]:
    """Write the wrapper into the new folder; the PATH that has it in front.

    Where the PATH has no mmdebstrap there is nothing to wrap, and the PATH is returned as it is: a script that looks
    whether mmdebstrap is there must not find ours.
    """
    real = shutil.which("mmdebstrap", path=path)
    if real is None:
        return path, ()
    folder.mkdir(parents=True)
    wrapper = folder / "mmdebstrap"
    wrapper.write_text(mmdebstrap_wrapper(Path(real).absolute(), FROZEN_RULES))
    wrapper.chmod(0o755)
    if not os.access(wrapper, os.X_OK):
        return path, (_not_executable(folder),)
    return f"{folder}{os.pathsep}{path}", ()


def mmdebstrap_wrapper(real: Path, rules: Iterable[tuple[str, str]]) -> str:
    """The text of the wrapper script for the real mmdebstrap."""
    setup = _SETUP_HOOK.format(options=shlex.quote(apt_options(rules).replace("\n", " ")))
    return _SCRIPT.format(real=shlex.quote(str(real)), setup=shlex.quote(setup), extract=shlex.quote(_EXTRACT_HOOK))


def _not_executable(folder: Path) -> Notice:
    return Notice(
        f"mmdebstrap runs without apt's options for frozen suites: nothing can be executed in {folder}",
        hint="let TMPDIR name a folder that is not mounted with noexec",
    )
