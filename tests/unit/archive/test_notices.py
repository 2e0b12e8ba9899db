# SPDX-License-Identifier: MIT
from aptfreeze.archive.notices import Notice
from aptfreeze.freeze.digest import Digest


def test_a_notice_reads_as_one_line() -> None:
    notice = Notice(Digest.of(b""), "http://mirror.example.org/a", "wrong bytes")
    assert str(notice).startswith("http://mirror.example.org/a: wrong bytes (sha256:e3b0")
