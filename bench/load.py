# SPDX-License-Identifier: MIT
"""Load by wrk, a process of its own that needs less CPU than any server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from bench.content import File
from bench.link import Link
from bench.processes import Server

# Each request of a connection asks for `depth` files at once; all texts are made before the clock runs.
_SCRIPT = """
wrk.headers["Host"] = "%(host)s"
wrk.headers["User-Agent"] = "Debian APT-HTTP/1.3 (2.6.1)"
local paths, depth, pause, texts, last = {%(paths)s}, %(depth)d, %(pause)d, {}, 0
init = function()
    for first = 1, #paths do
        local text = {}
        for n = 0, depth - 1 do
            text[n + 1] = wrk.format("GET", "http://%(host)s" .. paths[(first + n - 1) %% #paths + 1])
        end
        texts[first] = table.concat(text)
    end
end
request = function()
    last = last %% #texts + 1
    return texts[last]
end
if pause > 0 then
    delay = function() return math.random(0, 2 * pause) end
end
done = function(summary, latency)
    local errors = summary.errors
    local count = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.write(string.format(
        '\\n{"requests": %%d, "seconds": %%f, "errors": %%d, "p50_ms": %%f, "p99_ms": %%f}\\n', summary.requests,
        summary.duration / 1e6, count, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""


@dataclass(frozen=True)
class Load:
    """What wrk saw. Latency from a request to the end of its answer, of a pipeline to the end of its last one."""

    requests: int
    seconds: float
    errors: int
    p50_ms: float
    p99_ms: float


def load(
    server: Server,
    link: Link,
    files: Sequence[File],
    connections: int,
    *,
    depth: int = 1,
    pause_ms: int = 0,
    seconds: int = 1,
) -> Load:
    """Ask a proxy for these files over and over; each connection pauses so long on average before it asks again."""
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed (apt-get install wrk)")
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        paths = ", ".join(f'"{file.path}"' for file in files)
        script.write(_SCRIPT % {"host": link.host, "paths": paths, "depth": depth, "pause": pause_ms})
        script.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script.name, server.url]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return Load(**json.loads(done.stdout.splitlines()[-1]))
