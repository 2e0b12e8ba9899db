# SPDX-License-Identifier: MIT
"""`aptfreeze run` as a process beside the test: to be signalled, killed, or run twice at once."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from support.apt import Apt
from support.aptfreeze import Aptfreeze
from support.process import Result

BUILD = ("sh", "-c", "apt-get update && exec apt-get install --download-only hello")
"""COMMAND of an image build, as far as apt has a part in it; `sh` hides apt from aptfreeze."""
UPDATE = ("sh", "-c", "exec apt-get update")


class Started:
    """A `run` that goes on while the test does something else."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def result(self, timeout_s: float = 60) -> Result:
        """Waits for its end."""
        out, err = self.process.communicate(timeout=timeout_s)
        assert isinstance(self.process.args, list)
        return Result(tuple(self.process.args), self.process.returncode, out, err)


@contextmanager
def started(product: Aptfreeze, client: Apt, command: Sequence[str] = BUILD, *flags: str) -> Iterator[Started]:
    """Starts `aptfreeze run` in a process group of its own; all of the group is killed when the context is left."""
    line = product.line("run", "--archive", str(product.archive), *flags, "--", *command)
    process = subprocess.Popen(
        line, env=product.environ | client.environ, cwd=product.environment, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Started(process)
    finally:
        kill_group(process)


def kill_group(process: subprocess.Popen[str]) -> None:
    """kill -9 for a process that leads a session of its own and for all that it has started, and reap it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
