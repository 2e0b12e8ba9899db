# SPDX-License-Identifier: MIT
"""A small bill of materials."""

from datetime import UTC, datetime

from aptfreeze.describe.bill import Bill, Component

SOURCE = Component("pkg:deb/debian/hello@2.10-3?arch=source", "debian", "hello", "2.10-3", "source")
DATA = Component("pkg:deb/debian/data@1.0?arch=all&distro=bookworm", "debian", "data", "1.0", "all", sha256="a" * 64)
LIBRARY = Component(
    "pkg:deb/debian/libhello@2.10-3%2Bb1?arch=amd64&distro=bookworm",
    "debian",
    "libhello",
    "2.10-3+b1",
    "amd64",
    sha256="b" * 64,
    sha512="c" * 128,
    maintainer="Jane Doe <jane@example.org>",
    homepage="https://www.example.org/hello",
    section="libs",
    summary="greets",
    path="mirror.example.org/debian/pool/main/h/hello/libhello_2.10-3+b1_amd64.deb",
    suite="mirror.example.org/debian bookworm",
    depends=(DATA.purl, SOURCE.purl),
)
BILL = Bill(
    "product",
    datetime(2026, 11, 24, 7, tzinfo=UTC),
    "4f1c9a0e2b7d4e5f8a6b3c2d1e0f9a8b",
    "sha256:" + "d" * 64,
    (DATA, SOURCE, LIBRARY),
)
