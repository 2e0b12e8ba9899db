# SPDX-License-Identifier: MIT
"""Shipments made of values, for the tests of what is written about them."""

from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from aptfreeze.describe.shipment import Kept, KeptFile, Missing, MissingFile, Shipment, Sourced
from aptfreeze.describe.shipped import How, Shipped
from aptfreeze.describe.sourcepackage import Chain
from aptfreeze.freeze.digest import Digest
from aptfreeze.freeze.generation import Generation, SuiteKey
from aptfreeze.settings import Exemption, Lack

SUITE = SuiteKey("mirror.example.org/debian", "bookworm")
BASH = Shipped("bash", "5.2-1+b1", "amd64", "bash", "5.2-1")
TOOL = Shipped("tool", "1.0", "all", "tool", "1.0")
EXEMPTION = Exemption("tool", frozenset({Lack.SOURCE}), "binary only")


def kept(name: str, version: str, *files: str, suite: SuiteKey | None = SUITE, salt: str = "") -> Kept:
    """A source package with these files, whose content is their name and the salt."""
    made = [KeptFile(file, Digest.of(content(file, salt)), len(content(file, salt))) for file in sorted(files)]
    return Kept(name, version, suite, Chain.SIGNED if suite else Chain.SNAPSHOT, tuple(made))


def content(file: str, salt: str = "") -> bytes:
    return f"{file} {salt}".encode()


def of(shipped: Shipped, answer: Kept | Missing, how: How = How.SOURCE, exemption: Exemption | None = None) -> Sourced:
    return Sourced(shipped, how, (answer.name, answer.version), answer, exemption)


def missing(name: str, *tried: str, file: str = "", is_gone: bool | None = True) -> Missing:
    files = (MissingFile(file, Digest.of(file.encode()), 7, "no mirror has it"),) if file else ()
    return Missing(name, "1.0", tried, files, is_gone)


def shipment(*sourced: Sourced, image: Path | None = None, **more: Any) -> Shipment:
    generation = Generation("0" * 32, datetime(2026, 11, 24, tzinfo=UTC), {})
    packages = tuple(dict.fromkeys(each.shipped for each in sourced))
    received = MappingProxyType({"mirror.example.org": 10})
    return Shipment(generation, Digest.of(b"state"), image, packages, sourced, 2, 1, received, **more)
