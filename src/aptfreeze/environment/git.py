# SPDX-License-Identifier: MIT
"""git, as far as it knows something of an environment's folder. It need not be installed."""

import os
import subprocess
from pathlib import Path

_TIMEOUT_S = 60


def ask(folder: Path, *arguments: str) -> tuple[bytes | None, str]:
    """What a git command prints in this folder; None if it fails, and then the reason. Never asks a person."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        return None, "git is not installed"
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return None, f"git cannot be asked ({error})"
    if done.returncode == 0:
        return done.stdout, ""
    told = done.stderr.decode(errors="replace").splitlines()
    fatal = [line.removeprefix("fatal: ") for line in told if line.startswith("fatal: ")]
    return None, fatal[0] if fatal else f"git ended with status {done.returncode}"


def merge_base(path: Path) -> bytes | None:
    """A file as it was before both sides of the unfinished merge changed it; None if git does not know."""
    data, _ = ask(path.parent, "cat-file", "blob", f":1:./{path.name}")
    return data
