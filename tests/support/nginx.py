# SPDX-License-Identifier: MIT
"""A real nginx with TLS on a free port of 127.0.0.1, for what a server of our own might do in too friendly a way."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

IS_INSTALLED = shutil.which("nginx") is not None
_START_LIMIT_S = 20.0
_CONFIGURATION = """
daemon off; {user} pid {folder}/nginx.pid; error_log stderr crit; worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log {folder}/access.log; types {{ }}
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate}; ssl_certificate_key {certificate};
        root {root};
        {more}
    }}
}}
"""


class Nginx:
    """Serves the folder `root` while the context lasts; `more` are directives of its server."""

    def __init__(self, folder: Path, root: Path, certificate: Path, more: str = "") -> None:
        folder.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._log = folder / "access.log"
        self._configuration = folder / "nginx.conf"
        self._configuration.write_text(
            _CONFIGURATION.format(
                user="user root;" if os.geteuid() == 0 else "",
                folder=folder,
                root=root,
                port=self.port,
                certificate=certificate,
                more=more,
            )
        )

    @property
    def asked(self) -> str:
        """Its access log: requests alone, whatever their status; a handshake leaves nothing there."""
        return self._log.read_text() if self._log.exists() else ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(["nginx", "-c", self._configuration, "-e", "stderr"])
        limit = time.monotonic() + _START_LIMIT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert self._process.poll() is None, "nginx ended"
                assert time.monotonic() < limit, "nginx does not listen"
                time.sleep(0.01)
            else:
                return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(_START_LIMIT_S)
