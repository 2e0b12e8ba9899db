# SPDX-License-Identifier: MIT
"""A description as a list of packages, in the forms that people and other tools read.

Rule: sorted and without times, so that two builds of one state give the same text.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from aptfreeze.describe.description import Described, Description, Role
from aptfreeze.describe.visible import visible
from aptfreeze.freeze.digest import Algorithm, Digest

COLUMNS = (
    "name",
    "version",
    "architecture",
    "sha256",
    "size",
    "repository",
    "suite",
    "role",
    "source",
    "source_version",
    "path",
    "exception",
)
_TEXT_COLUMNS = COLUMNS[: COLUMNS.index("source")]
_NONE = "-"


def rows(description: Description) -> Iterator[dict[str, Any]]:
    """A row for each package, or file of a source package, by `COLUMNS`; what is not known is None."""
    exceptions = {
        str(each.package): exemption.reason
        for each in description.deployment.unknown
        if (exemption := description.exemption(each))
    }
    return (dict(zip(COLUMNS, _row(each, exceptions), strict=True)) for each in description.packages())


def _row(each: Described, exceptions: Mapping[str, str]) -> tuple[Any, ...]:
    piece, suite = each.piece, each.piece.suite if each.piece else None
    exception = None if piece else exceptions.get(f"{each.name} {each.version} {each.architecture}")
    return (
        each.name,
        each.version,
        each.architecture,
        _hex(each.digest),
        piece.size if piece else None,
        suite.repository if suite else None,
        suite.suite if suite else None,
        str(each.role),
        each.source or None,
        each.source_version or None,
        piece.forms[0].relative if piece else None,
        exception,
    )


def _hex(digest: Digest | None) -> str | None:
    """An index may have a stronger hash only."""
    if digest is None:
        return None
    return digest.hex if digest.algorithm is Algorithm.SHA256 else str(digest)


def text(description: Description) -> Iterator[str]:
    """A line for each package, its fields separated by one blank; what is not known is a hyphen.

    What is no visible ASCII character is percent-encoded: an index may hold anything, and a field is a field.
    """
    for row in rows(description):
        yield " ".join(_NONE if row[column] is None else visible(str(row[column])) for column in _TEXT_COLUMNS)


def comma_separated(description: Description) -> Iterator[str]:
    """RFC 4180, but for the line ends, with a line of names first."""
    yield _csv(COLUMNS)
    for row in rows(description):
        yield _csv("" if each is None else each for each in row.values())


def _csv(fields: Iterable[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(fields)
    return buffer.getvalue()


def isar(description: Description) -> Iterator[str]:
    """Isar's manifest: source, its version, package and architecture, version. Of an image only what is deployed."""
    for each in _of_image(description):
        source = f"{each.source or each.name}|{each.source_version or each.version}"
        yield f"{source}|{each.name}:{each.architecture}|{each.version}"


def buildinfo(description: Description) -> Iterator[str]:
    """deb-buildinfo(5), as far as it fits an image: what is installed, for tools that replay such a list."""
    native = _native(description)
    yield "Format: 1.0"
    yield f"Build-Architecture: {native}"
    yield "Installed-Build-Depends:"
    packages = sorted({_dependency(each, native) for each in _of_image(description)})
    yield from (f" {package}{',' if package != packages[-1] else ''}" for package in packages)
    yield f"X-Aptfreeze-Generation: {description.generation.id}"
    yield f"X-Aptfreeze-State: {description.state}"


def _of_image(description: Description) -> Iterator[Described]:
    role = Role.DEPLOYED if description.rootfs else Role.USED
    return (each for each in description.packages() if each.role is role and each.architecture != "source")


def _dependency(each: Described, native: str) -> str:
    foreign = "" if each.architecture in (native, "all") else f":{each.architecture}"
    return f"{each.name}{foreign} (= {each.version})"


def _native(description: Description) -> str:
    """The architecture of dpkg itself, else that of most packages."""
    packages = list(_of_image(description))
    counts = Counter(each.architecture for each in packages if each.architecture != "all")
    most = counts.most_common(1)[0][0] if counts else "all"
    return next((each.architecture for each in packages if each.name == "dpkg"), most)


FORMATS: Mapping[str, Callable[[Description], Iterator[str]]] = {
    "text": text,
    "csv": comma_separated,
    "isar": isar,
    "buildinfo": buildinfo,
}
"""Those that are lines of text; `json` is `data`."""


def data(description: Description) -> dict[str, Any]:
    """For `--format json`."""
    return {
        "generation": description.generation.id,
        "state": str(description.state),
        "packages": list(rows(description)),
    }
