# SPDX-License-Identifier: MIT
"""What can go wrong between a mirror and us, one class for each; given to `Origin.inject`.

A fault changes the `Answer` that the mirror is about to give. Several that match one request act one after another.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path


class Ending(Enum):
    """What happens to the connection once the body, or what is sent of it, is out."""

    KEEP = "keep-alive"
    CLOSE = "closed cleanly (FIN)"
    RESET = "reset (RST)"


@dataclass(slots=True)
class Answer:
    """What the mirror will send."""

    status: int
    headers: dict[str, str]
    body: bytes
    limit: int | None = None
    """So many bytes of the body are sent, then the connection ends."""
    ending: Ending = Ending.KEEP
    chunked: bool = False
    delay_s: float = 0
    stall: "Stall | None" = None
    folder: Path | None = None
    """The file is looked for in this folder, not in the mirror's root."""
    ranges: bool = True


class Fault:
    """Acts twice: before the file is looked for (`prepare`), and on the answer made from it (`change`)."""

    __slots__ = ()

    def prepare(self, answer: Answer) -> None:
        """Nothing, unless a fault has something to say this early."""

    def change(self, answer: Answer, target: str) -> None:
        """Nothing, unless a fault has something to say this late."""


@dataclass(frozen=True, slots=True)
class Flip(Fault):
    """One bit of the body is turned round; negative offsets count from the end."""

    offset: int = 0

    def change(self, answer: Answer, target: str) -> None:
        body = bytearray(answer.body)
        body[self.offset] ^= 1
        answer.body = bytes(body)


@dataclass(frozen=True, slots=True)
class Truncate(Fault):
    """The body ends after so many bytes although Content-Length promised more, and the connection with it."""

    after: int
    ending: Ending = Ending.CLOSE

    def change(self, answer: Answer, target: str) -> None:
        answer.limit, answer.ending = self.after, self.ending


@dataclass(frozen=True, slots=True)
class WrongLength(Fault):
    """Content-Length is off by so many bytes, the body is right; the connection closes after it."""

    by: int

    def change(self, answer: Answer, target: str) -> None:
        answer.headers["Content-Length"] = str(len(answer.body) + self.by)
        answer.ending = Ending.CLOSE


@dataclass(frozen=True, slots=True)
class Status(Fault):
    """Another status; an empty body means `Content-Length: 0`."""

    status: int
    body: bytes = b"said the mirror\n"
    headers: Mapping[str, str] = field(default_factory=dict)

    def change(self, answer: Answer, target: str) -> None:
        answer.status, answer.body = self.status, self.body
        answer.headers = {**self.headers, "Content-Length": str(len(self.body))}


@dataclass(frozen=True, slots=True)
class Redirect(Fault):
    """302 to the same target below another base URL."""

    base: str
    status: int = 302

    def change(self, answer: Answer, target: str) -> None:
        answer.status, answer.body = self.status, b""
        answer.headers = {"Location": self.base + target, "Content-Length": "0"}


@dataclass(frozen=True, slots=True, eq=False)
class Stall(Fault):
    """The mirror falls silent after so many bytes of the body (None: before the head) until `release` or its end."""

    after: int | None = None
    reached: threading.Event = field(default_factory=threading.Event)
    """Set when the mirror has fallen silent."""
    released: threading.Event = field(default_factory=threading.Event)

    def release(self) -> None:
        self.released.set()

    def change(self, answer: Answer, target: str) -> None:
        answer.stall = self


@dataclass(frozen=True, slots=True)
class Delay(Fault):
    """The answer starts so many seconds late."""

    seconds: float

    def change(self, answer: Answer, target: str) -> None:
        answer.delay_s = self.seconds


@dataclass(frozen=True, slots=True)
class CloseAfter(Fault):
    """The connection closes after this answer, unannounced, whatever was pipelined behind it."""

    ending: Ending = Ending.CLOSE

    def change(self, answer: Answer, target: str) -> None:
        answer.ending = self.ending


@dataclass(frozen=True, slots=True)
class Chunked(Fault):
    """Transfer-Encoding: chunked instead of Content-Length."""

    def change(self, answer: Answer, target: str) -> None:
        answer.headers.pop("Content-Length", None)
        answer.headers["Transfer-Encoding"] = "chunked"
        answer.chunked = True


@dataclass(frozen=True, slots=True)
class Headers(Fault):
    """More header fields, or others."""

    headers: Mapping[str, str]

    def change(self, answer: Answer, target: str) -> None:
        answer.headers.update(self.headers)


@dataclass(frozen=True, slots=True)
class NoRange(Fault):
    """Range is ignored and never offered."""

    def prepare(self, answer: Answer) -> None:
        answer.ranges = False


@dataclass(frozen=True, slots=True)
class FromFolder(Fault):
    """The file comes from another folder: the mirror is in mid-sync, or has another state of some files."""

    folder: Path
    """Stands for the mirror's root."""

    def prepare(self, answer: Answer) -> None:
        answer.folder = self.folder
