# SPDX-License-Identifier: MIT
"""From a word to the state that somebody means by it. The first that fits counts:

1. A generation: its id, or the first 4 or more digits of it, of one that this checkout knows.
2. A file: the path of a lock file, or of what can be read like one (`/dev/stdin`).
3. A git revision: `HEAD~1`, `v1.2`, `main@{yesterday}` mean aptfreeze.lock of this environment there; `REV:path`
   (below the repository's top folder, `REV:./path` below the environment's) means another file.

Rule 1: nothing is guessed: what begins the ids of two generations is an error, not the newer of them.
Rule 2: the word comes from a command line, perhaps from a script's input: git gets it as one argument, which never
begins with `-`, and only to read one file.
"""

import os
import re
from contextlib import suppress
from pathlib import Path

from aptfreeze.environment import files, generations, git
from aptfreeze.environment.folder import LOCK_FILE, Environment
from aptfreeze.environment.store import EnvironmentStore
from aptfreeze.errors import UsageError
from aptfreeze.freeze.generation import Generation

_ID = re.compile(r"[0-9a-f]{4,32}")
_SHOWN = 5


def find_state(store: EnvironmentStore, word: str) -> Generation:
    """The state that a word means; UsageError if it means none, or more than one."""
    if found := _known(store.environment, word):
        return found
    if os.path.exists(word) and not os.path.isdir(word):  # noqa: PTH110, PTH112 (pathlib's raise for a long word)
        data = files.read(Path(word))
        return generations.decoded(data or b"", word)
    return _of_revision(store.environment, word)


def known_states(environment: Environment) -> list[Generation]:
    """Every generation that this checkout knows, the newest first; the current one as its lock file has it now."""
    known = {each.id: each for each in generations.read_copies(environment)}
    with suppress(UsageError):  # no good now; an earlier one can be meant all the same
        if current := generations.read_lock(environment):
            known[current.id] = current
    return sorted(known.values(), key=lambda generation: generation.created, reverse=True)


def _known(environment: Environment, word: str) -> Generation | None:
    if not _ID.fullmatch(word):
        return None
    fitting = [each for each in known_states(environment) if each.id.startswith(word)]
    if len(fitting) > 1:
        raise UsageError(
            f"{word} is the beginning of {len(fitting)} generations: {_listed(fitting)}",
            hint="give more digits of the one that is meant",
        )
    return fitting[0] if fitting else None


def _of_revision(environment: Environment, word: str) -> Generation:
    reasons = []
    for name in [word, f"{word}:./{LOCK_FILE}"] if ":" in word else [f"{word}:./{LOCK_FILE}"]:
        data, reason = _git_file(environment.root, name)
        if data is not None:
            return generations.decoded(data, name)
        reasons.append(reason)
    known = known_states(environment)
    raise UsageError(
        f"{word!r} is no state: no generation of this checkout has such an id, there is no such file, and as a "
        f"git revision: {reasons[0]}",
        hint="give the first 4 or more digits of a generation's id "
        f"({f'known here: {_listed(known)}' if known else 'none is known here'}), the path of a lock file, or a git "
        f"revision (HEAD~1, v1.2, HEAD~1:path/{LOCK_FILE})",
    )


def _git_file(folder: Path, name: str) -> tuple[bytes | None, str]:
    """A file by git's name of it, or the reason why there is none."""
    if name.startswith(("-", ":./")):  # `:./x` would be what is staged, for an empty word
        return None, "no revision has such a name"
    return git.ask(folder, "cat-file", "blob", name)


def _listed(known: list[Generation]) -> str:
    shown = ", ".join(f"{each.id[:12]} of {each.created:%Y-%m-%d %H:%M}" for each in known[:_SHOWN])
    return shown + (f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else "")
