# SPDX-License-Identifier: MIT
"""A product in git whose branches have different lock files.

branches = Branches(aptfreeze)
branches.commit(BASE)
branches.branch("feature", THEIRS)
branches.commit(OURS)
branches.merge("feature").fails(1)
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from aptfreeze.freeze.generation import Generation, Pin, SuiteKey
from aptfreeze.freeze.lockfile import dump, parse
from support.aptfreeze import Aptfreeze
from support.process import Result, run


def generation(letter: str, pins: Mapping[SuiteKey, Pin]) -> Generation:
    """`letter` makes the id; a later one was made later."""
    return Generation(letter * 32, datetime(2026, 11, 24, tzinfo=UTC) + timedelta(hours=ord(letter)), dict(pins))


class Branches:
    """The environment's folder as a git work tree on branch `main`; git sees no configuration but the repository's."""

    def __init__(self, product: Aptfreeze) -> None:
        self.product = product
        self.environ = {
            **product.environ,
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_EDITOR": "true",
            "LC_ALL": "C",
        }
        self.git("init", "--quiet", "--initial-branch=main").ok()
        self.git("config", "user.name", "A").ok()
        self.git("config", "user.email", "a@example.org").ok()
        self.git("commit", "--quiet", "--allow-empty", "--message=empty").ok()

    def git(self, *arguments: str) -> Result:
        return run(["git", *arguments], env=self.environ, cwd=self.product.environment)

    def command(self, *arguments: str) -> Result:
        """`aptfreeze ARGUMENTS`."""
        return run(self.product.line(*arguments), env=self.environ, cwd=self.product.environment)

    @property
    def text(self) -> str:
        return self.product.lock_file.read_text()

    @property
    def lock(self) -> Generation:
        """The lock file's generation; UsageError if it is no good."""
        return parse(self.text)

    def commit(self, state: Generation | str) -> None:
        """This lock file, on the current branch."""
        self.product.lock_file.write_text(state if isinstance(state, str) else dump(state))
        self.git("add", "--all").ok()
        self.git("commit", "--quiet", "--message=change").ok()

    def branch(self, name: str, *states: Generation | str) -> None:
        """A branch that begins here and has these states; then back to where we were."""
        self.git("checkout", "--quiet", "-b", name).ok()
        for state in states:
            self.commit(state)
        self.git("checkout", "--quiet", "-").ok()

    def merge(self, name: str) -> Result:
        return self.git("merge", "--no-edit", name)
