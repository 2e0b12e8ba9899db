# SPDX-License-Identifier: MIT
"""`Origin`: the mirror of the tests, a plain HTTP/1.1 server for a folder that logs every request and fails on demand.

    with Origin(folder) as origin:
        origin.inject("*/hello_*.deb", Flip(100), times=1)
        ...
        assert origin.count("*.deb") == 2

It does what mirrors do (RFC 9110, 9112): keep-alive, pipelining, HEAD, If-Modified-Since, If-None-Match, Range with
If-Range, 416. One thread serves each connection; `stop` ends them all and frees the port, `start` takes it again.
"""

import socket
import ssl
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import Self
from urllib.parse import unquote, urlsplit

from support.answers import chunked, fill, head
from support.faults import Answer, Ending, Fault, Stall

_LINGER_S = 2.0
"""How long a cleanly closed connection waits for the other end to close too."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One request, as it came, and the status that it got."""

    method: str
    target: str
    """Raw, percent-encoding as the client sent it."""
    headers: Mapping[str, str]
    """By lower-case name."""
    connection: int
    """Counts the connections since the start of the tests' mirror."""
    status: int

    @property
    def path(self) -> str:
        """Decoded, without scheme, host and query."""
        return unquote(urlsplit(self.target).path)

    @property
    def user_agent(self) -> str:
        return self.headers.get("user-agent", "")


@dataclass(slots=True)
class _Rule:
    pattern: str
    faults: tuple[Fault, ...]
    left: int | None
    spared: int


class Origin:
    """Serves `root` on a free port of 127.0.0.1 from `start` to `stop`; also a context manager."""

    def __init__(self, root: Path, tls: ssl.SSLContext | None = None) -> None:
        """With `tls`, it speaks nothing else."""
        self.root = root
        self.tls = tls
        self.requests: list[Seen] = []
        self.port = 0
        self._rules: list[_Rule] = []
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._stalled: list[Stall] = []
        self._accepted = 0

    @property
    def url(self) -> str:
        """Without a final slash."""
        return f"{'https' if self.tls else 'http'}://{self.host}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """On the port of the time before, if there was one."""
        self._stopping.clear()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self.port = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, name=f"origin-{self.port}", daemon=True)
        self._acceptor.start()

    def stop(self) -> None:
        """Cuts every connection; later ones are refused. Does nothing when it is stopped already."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        with suppress(OSError):  # wakes accept(2)
            self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        with self._changed:
            threads = list(self._connections.values())
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for stall in self._stalled:
                stall.release()
        for thread in threads:
            thread.join()

    def inject(self, pattern: str, *faults: Fault, times: int | None = None, spared: int = 0) -> None:
        """From now on, answers whose decoded path matches (`*` matches slashes too) suffer these faults.

        The first `spared` of them do not.
        """
        with self._changed:
            self._rules.append(_Rule(pattern, faults, times, spared))

    def heal(self) -> None:
        """No faults any more."""
        with self._changed:
            self._rules.clear()

    def forget(self) -> None:
        """Empties the log."""
        with self._changed:
            self.requests.clear()

    def asked(self, pattern: str = "*", *, method: str = "GET") -> list[str]:
        """The decoded paths of the requests so far that match, in order."""
        with self._changed:
            return [seen.path for seen in self.requests if seen.method == method and fnmatchcase(seen.path, pattern)]

    def count(self, pattern: str = "*", *, method: str = "GET") -> int:
        return len(self.asked(pattern, method=method))

    def wait_for(self, pattern: str, *, times: int = 1, timeout_s: float = 10) -> None:
        """Until that many matching requests have come; AssertionError if they do not."""
        with self._changed:
            came = self._changed.wait_for(lambda: self.count(pattern) >= times, timeout_s)
        assert came, f"{pattern} was not asked {times} times, but: {self.asked()}"

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was shut down
            while True:
                connection, _ = self._listener.accept()
                if self.tls:  # the handshake is made in the connection's own thread
                    connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                self._accepted += 1
                arguments = (connection, self._accepted)
                thread = threading.Thread(
                    target=self._serve, args=arguments, name=f"origin-{arguments[1]}", daemon=True
                )
                with self._changed:
                    self._connections[connection] = thread
                thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with closing(connection), suppress(OSError), connection.makefile("rb") as reader:
            if isinstance(connection, ssl.SSLSocket):
                connection.do_handshake()
            while (request := _read_head(reader)) and not self._stopping.is_set():
                method, target, headers = request
                answer = self._answer(method, target, headers)
                with self._changed:
                    self.requests.append(Seen(method, target, headers, number, answer.status))
                    self._changed.notify_all()
                self._send(connection, answer, with_body=method != "HEAD")
                if answer.ending is not Ending.KEEP:
                    _end(connection, answer.ending)
                    break
        with self._changed:
            del self._connections[connection]

    def _answer(self, method: str, target: str, headers: Mapping[str, str]) -> Answer:
        path = unquote(urlsplit(target).path)
        answer = Answer(200, {}, b"")
        faults = list(self._faults_of(path))
        for fault in faults:
            fault.prepare(answer)
        fill(answer, self._file(path, answer) if method in {"GET", "HEAD"} else None, headers)
        if headers.get("connection", "").lower() == "close":
            answer.headers["Connection"] = "close"
            answer.ending = Ending.CLOSE
        for fault in faults:
            fault.change(answer, urlsplit(target).path)
        return answer

    def _faults_of(self, path: str) -> Iterator[Fault]:
        with self._changed:
            for rule in self._rules:
                if not fnmatchcase(path, rule.pattern) or rule.left == 0:
                    continue
                if rule.spared:
                    rule.spared -= 1
                else:
                    rule.left = None if rule.left is None else rule.left - 1
                    yield from rule.faults

    def _file(self, path: str, answer: Answer) -> Path | None:
        relative = PurePosixPath(path.lstrip("/"))
        file = (answer.folder or self.root) / relative
        return file if ".." not in relative.parts and file.is_file() else None

    def _send(self, connection: socket.socket, answer: Answer, *, with_body: bool) -> None:
        self._stopping.wait(answer.delay_s)
        stall = answer.stall
        if stall and stall.after is None:
            self._fall_silent(stall)
        body = answer.body[: answer.limit] if with_body else b""
        if answer.chunked and with_body:
            body = chunked(body, complete=answer.limit is None)
        data = head(answer) + body
        if stall and stall.after is not None:
            start = len(data) - len(body) + stall.after
            connection.sendall(data[:start])
            self._fall_silent(stall)
            data = data[start:]
        connection.sendall(data)

    def _fall_silent(self, stall: Stall) -> None:
        with self._changed:
            self._stalled.append(stall)
        stall.reached.set()
        # stop() releases those it knows; the time limit is for one that begins in the same instant
        while not self._stopping.is_set() and not stall.released.wait(0.5):
            pass


def _read_head(reader: BufferedReader) -> tuple[str, str, dict[str, str]] | None:
    """Method, target and fields of the next request; None at the end of the connection."""
    request_line = reader.readline()
    if not request_line.endswith(b"\r\n"):
        return None
    method, target, _ = request_line.decode("latin-1").split(" ", 2)
    headers = {}
    while line := reader.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return method, target, headers


def _end(connection: socket.socket, ending: Ending) -> None:
    if ending is Ending.RESET:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return
    if isinstance(connection, ssl.SSLSocket):
        connection.settimeout(_LINGER_S)
        connection.unwrap()
        return
    # unread requests at close would turn the FIN into a RST and take the answer along
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(_LINGER_S)
    while connection.recv(65536):
        pass
