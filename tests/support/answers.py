# SPDX-License-Identifier: MIT
"""How the tests' mirror answers a request for a file (RFC 9110), and how an answer looks on the wire (RFC 9112)."""

from collections.abc import Mapping
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path

from support.faults import Answer


def fill(answer: Answer, file: Path | None, headers: Mapping[str, str]) -> None:
    """Status, header fields and body of a plain answer."""
    if file is None:
        answer.status, answer.body = 404, b"Not Found\n"
        answer.headers = {"Content-Length": str(len(answer.body))}
        return
    data, modified = file.read_bytes(), int(file.stat().st_mtime)
    etag = f'"{modified:x}-{len(data):x}"'
    answer.headers = {"Last-Modified": formatdate(modified, usegmt=True), "ETag": etag}
    if _is_fresh(headers, modified, etag):
        answer.status = 304
        return
    if answer.ranges:
        answer.headers["Accept-Ranges"] = "bytes"
    answer.body = data
    condition = headers.get("if-range", etag)
    if answer.ranges and condition in {etag, answer.headers["Last-Modified"]}:
        _cut_range(answer, headers.get("range", ""))
    answer.headers["Content-Length"] = str(len(answer.body))


def _is_fresh(headers: Mapping[str, str], modified: int, etag: str) -> bool:
    if "if-none-match" in headers:
        return etag in headers["if-none-match"]
    since = headers.get("if-modified-since")
    return since is not None and modified <= parsedate_to_datetime(since).timestamp()


def _cut_range(answer: Answer, text: str) -> None:
    """Makes it 206 or 416 if one range of bytes is asked."""
    first, dash, last = text.removeprefix("bytes=").partition("-")
    if not text.startswith("bytes=") or not dash or "," in text:
        return
    size = len(answer.body)
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= size:
        answer.status, answer.body = 416, b""
        answer.headers["Content-Range"] = f"bytes */{size}"
    else:
        answer.status, answer.body = 206, answer.body[start:end]
        answer.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"


def head(answer: Answer) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def chunked(body: bytes, *, complete: bool, size: int = 10_000) -> bytes:
    chunks = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + (b"0\r\n\r\n" if complete else b"")
