# SPDX-License-Identifier: MIT
"""The proxies that are compared, each started with an empty or a given cache folder.

What users have: apt-cacher-ng as it is installed; squid with the patterns of squid-deb-proxy; nginx as a caching proxy
with the settings that recipes agree on. Each as a forward proxy that apt is pointed to.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bench.link import Link
from bench.processes import Server, free_port, running

_SQUID = """
http_port 127.0.0.1:{port}
http_access allow all
cache_dir aufs {folder}/cache 20000 16 256
maximum_object_size 1024 MB
cache_mem 200 MB
maximum_object_size_in_memory 10240 KB
cache_store_log none
access_log none
cache_log /dev/null
pid_filename {folder}/squid.pid
coredump_dir {folder}
cache_effective_user {user}
shutdown_lifetime 0 seconds
pinger_enable off
pipeline_prefetch 9
collapsed_forwarding on
quick_abort_min -1 KB
refresh_pattern deb$ 129600 100% 129600
refresh_pattern udeb$ 129600 100% 129600
refresh_pattern tar.(gz|xz|bz2)$ 129600 100% 129600
refresh_pattern /by-hash/ 129600 100% 129600
refresh_pattern (InRelease|Release|Release.gpg|Packages.(gz|xz|bz2)|Sources.(gz|xz|bz2))$ 0 0% 0 refresh-ims
refresh_pattern . 129600 100% 129600
"""
_NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr crit; worker_processes 1;
events {{ worker_connections 4096; }}
http {{
    access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; types {{ }}
    keepalive_requests 1000000000; keepalive_timeout 3600;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    proxy_cache_path {folder}/cache levels=1:2 keys_zone=apt:50m max_size=20g inactive=365d use_temp_path=off;
    upstream mirror {{ server {mirror}; keepalive 16; }}
    server {{
        listen 127.0.0.1:{port} backlog=2048;
        proxy_cache apt; proxy_cache_key $uri; proxy_cache_lock on; proxy_cache_lock_timeout 60s;
        proxy_cache_revalidate on; proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504;
        proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host {mirror};
        location / {{ proxy_cache_valid 200 20s; proxy_pass http://mirror; }}
        location ~ (/pool/|/by-hash/|/keys/) {{ proxy_cache_valid 200 365d; proxy_pass http://mirror; }}
    }}
}}
"""
_ACNG = """
CacheDir: {folder}/cache
LogDir: {folder}/log
SupportDir: /usr/lib/apt-cacher-ng
Port: {port}
BindAddress: 127.0.0.1
SocketPath:
ForeGround: 1
PidFile: {folder}/acng.pid
ReportPage:
AllowUserPorts: 0
PfilePatternEx: (/keys/.*)$
VerboseLog: 0
ExThreshold: 4
"""


@dataclass(frozen=True)
class Peer:
    """One proxy; `start(folder, link)` runs it on a cache in that folder, which may be used again."""

    name: str
    program: str
    """What must be on PATH."""
    start: Callable[[Path, Link], AbstractContextManager[Server]]


@contextlib.contextmanager
def _aptfreeze(folder: Path, link: Link) -> Iterator[Server]:
    """`serve` with environment and archive in the folder: what it pinned there stays pinned."""
    with aptfreeze(folder / "environment", folder / "archive") as server:
        yield server


@contextlib.contextmanager
def aptfreeze(environment: Path, archive: Path, *options: str) -> Iterator[Server]:
    environment.mkdir(parents=True, exist_ok=True)
    ready = environment.parent / f"ready-{environment.name}.json"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "aptfreeze", "serve", "--env", str(environment), "--archive", str(archive)]
    command += ["--listen", "127.0.0.1:0", "--ready-file", str(ready), *options]
    with running("aptfreeze", command, 0, lambda: ready.exists() and bool(ready.read_text())) as server:
        server.port = int(json.loads(ready.read_text())["url"].rpartition(":")[2])
        yield server


@contextlib.contextmanager
def _apt_cacher_ng(folder: Path, link: Link) -> Iterator[Server]:
    port = free_port()
    (folder / "conf").mkdir(parents=True, exist_ok=True)
    (folder / "conf/acng.conf").write_text(_ACNG.format(folder=folder, port=port))
    with running("apt-cacher-ng", ["apt-cacher-ng", "-c", str(folder / "conf")], port) as server:
        yield server


@contextlib.contextmanager
def _squid(folder: Path, link: Link) -> Iterator[Server]:
    port, is_root = free_port(), os.geteuid() == 0
    folder.mkdir(parents=True, exist_ok=True)
    if is_root:  # it gives up its rights before it opens its cache
        shutil.chown(folder, "proxy")
    configuration = folder / "squid.conf"
    configuration.write_text(_SQUID.format(folder=folder, port=port, user="proxy" if is_root else "nobody"))
    if not (folder / "cache").exists():
        subprocess.run(["squid", "-z", "-N", "-f", str(configuration)], check=True, capture_output=True)
    with running("squid", ["squid", "-N", "-f", str(configuration)], port) as server:
        yield server


@contextlib.contextmanager
def _nginx(folder: Path, link: Link) -> Iterator[Server]:
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:  # its worker has another user
        shutil.chown(folder, "www-data")
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port, mirror=link.host))
    with running("nginx", ["nginx", "-c", str(folder / "nginx.conf")], port) as server:
        yield server


APTFREEZE = Peer("aptfreeze", sys.executable, _aptfreeze)
PEERS = (
    Peer("squid", "squid", _squid),
    Peer("nginx", "nginx", _nginx),
    Peer("apt-cacher-ng", "apt-cacher-ng", _apt_cacher_ng),
)
"""The others."""


def present() -> list[Peer]:
    """aptfreeze and those others that are installed; one that is not is named."""
    os.environ["PATH"] += ":/usr/sbin"
    for peer in PEERS:
        if not shutil.which(peer.program):
            print(f"{peer.name} is not installed and left out (apt-get install {peer.name})", file=sys.stderr)
    return [APTFREEZE, *(peer for peer in PEERS if shutil.which(peer.program))]
