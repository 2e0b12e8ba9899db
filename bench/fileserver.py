# SPDX-License-Identifier: MIT
"""nginx as a file server for the mirror's folder: what a hit costs where nothing is cached, checked or frozen."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from bench.context import Context
from bench.processes import Server, free_port, running

_CONFIGURATION = """
daemon off; user root; pid {folder}/file-server.pid; error_log stderr crit; worker_processes 1;
events {{ worker_connections 4096; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 3600; types {{ }}
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    server {{ listen 127.0.0.1:{port} {options} backlog=2048; root {mirror}; {lines} }}
}}
"""
_TLS = "ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate {pem}; ssl_certificate_key {pem};"


@contextlib.contextmanager
def file_server(context: Context, pem: bytes = b"") -> Iterator[list[Server]]:
    """With a certificate and its key: by TLS. Nothing if nginx is not installed."""
    if all(peer.name != "nginx" for peer in context.peers):
        yield []
        return
    with context.fresh() as folder:
        folder.mkdir()
        (folder / "leaf.pem").write_bytes(pem)
        port, mirror = free_port(), context.upstream.folder
        options, lines = ("ssl", _TLS.format(pem=folder / "leaf.pem")) if pem else ("", "")
        text = _CONFIGURATION.format(folder=folder, port=port, mirror=mirror, options=options, lines=lines)
        (folder / "nginx.conf").write_text(text)
        with running("nginx", ["nginx", "-c", str(folder / "nginx.conf")], port) as server:
            yield [server]
