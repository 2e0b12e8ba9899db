# SPDX-License-Identifier: MIT
"""The sources of what is shipped, as lines for people, as a table, and as data.

Table and data are sorted and hold no times, no counts of what was fetched, and no path of this machine, so that the
same packages give the same bytes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aptfreeze.describe.amounts import counted, size_text
from aptfreeze.describe.shipment import CopyrightFile, Kept, Missing, Shipment, Sourced
from aptfreeze.describe.shipped import How, Shipped
from aptfreeze.describe.sourcepackage import Chain
from aptfreeze.describe.visible import visible

FORMAT = "aptfreeze sources 1"
COLUMNS = (
    *("package", "version", "architecture", "how", "source", "source_version"),
    *("suite", "chain", "path", "sha256", "size", "note"),
)
_PHRASES = {
    How.SOURCE: "source",
    How.BUILT_USING: "Built-Using",
    How.STATIC: "Static-Built-Using",
    How.CARGO: "X-Cargo-Built-Using",
}
_LINKED = (How.STATIC, How.CARGO)


# --- names ---


def folder_names(kept: Iterable[Kept]) -> dict[tuple[str, ...], str]:
    """The folder of each set of files, by their sha256: `NAME_VERSION`. Where one name and version has other files in
    another suite, the first of its hashes is added to the name."""
    names: dict[str, dict[tuple[str, ...], None]] = {}
    for each in kept:
        names.setdefault(f"{file_name(each.name)}_{file_name(each.version)}", {})[contents(each)] = None
    return {
        digests: name if number == 0 else f"{name}_{digests[0][:12]}"
        for name, alike in names.items()
        for number, digests in enumerate(sorted(alike))
    }


def contents(kept: Kept) -> tuple[str, ...]:
    return tuple(file.digest.hex for file in kept.files)


def file_name(text: str) -> str:
    """Text of an index as the name of a file: an epoch's colon is `%3A`, and nothing leads elsewhere."""
    name = quote(text, safe="+~")
    return name if name.strip(".") else name.replace(".", "%2E")


def copyright_name(shipped: Shipped) -> str:
    return "_".join(map(file_name, (shipped.package, shipped.version, shipped.architecture)))


# --- for people ---


def lines(found: Shipment, out: Path | None = None) -> Iterator[str]:
    """`out`: the folder that they were put into."""
    kept = found.kept
    files = {file.digest: file.size for each in kept for file in each.files}
    what = "what runs were served" if found.image is None else f"the packages of {found.image}"
    yield (
        f"generation {found.generation.id[:12]}, sources of {what}: {counted(len(found.packages), 'package')}, "
        f"{counted(len(kept), 'source package')}, {counted(len(files), 'file')}, {size_text(sum(files.values()))}"
    )
    came = ", ".join(f"{size_text(size)} from {host}" for host, size in sorted(found.received.items()))
    yield f"{found.held} were archived before, {found.fetched} were fetched{f': {came}' if came else ''}"
    outside = [f"{each.name} {each.version}" for each in kept if each.chain is Chain.SNAPSHOT]
    if outside:
        yield f"in no pinned suite, from a snapshot service, outside the signed chain: {', '.join(outside)}"
    for each in found.excepted:
        assert each.exemption is not None
        yield f"EXCEPTION {_of(each)}: {each.exemption.reason}"
    yield from _missing_lines(found)
    yield from _copyright_lines(found.copyrights)
    if found.exit_status == 0:
        yield "all sources are archived" if out is None else f"all sources are in {out}"
    elif out is not None:
        yield f"what could be had is in {out}"


def _of(each: Sourced) -> str:
    """`lzo2 2.10-2 (Built-Using of grub-common 2.06 amd64)`."""
    name = " ".join(filter(None, each.source)) or "unknown source"
    return f"{name} ({_PHRASES[each.how]} of {each.shipped})"


def _missing_lines(found: Shipment) -> Iterator[str]:
    missing = found.missing
    for each, demanded in missing:
        more = f" and {len(demanded) - 1} more" if len(demanded) > 1 else ""
        yield f"MISSING {_of(demanded[0])}{more}:"
        yield from (f"  {reason}" for reason in each.tried)
        yield from (f"  {file.name}: {file.reason}" for file in each.files)
    if missing:
        linked = sum(all(each.how in _LINKED for each in demanded) for _, demanded in missing)
        only = f", {linked} of them only linked statically" if linked else ""
        yield f"{counted(len(missing), 'source package')} could not be had{only}"


def _copyright_lines(copyrights: Sequence[CopyrightFile]) -> Iterator[str]:
    for each in copyrights:
        if each.content is None:
            yield f"{'MISSING' if each.is_lacking else 'NO'} copyright file of {each.shipped}: {each.reason}"


# --- as data ---


def data(found: Shipment) -> dict[str, Any]:
    """What `sources.json` holds."""
    kept = found.kept
    folders = folder_names(kept)
    return {
        "format": FORMAT,
        "generation": found.generation.id,
        "state": str(found.state),
        "complete": found.exit_status == 0,
        "packages": [_package_data(each) for each in found.sourced],
        "sources": [_kept_data(each, folders[contents(each)]) for each in kept],
        "missing": [_missing_data(each, demanded) for each, demanded in found.missing],
        "exceptions": [
            _package_data(each) | {"reason": each.exemption.reason} for each in found.excepted if each.exemption
        ],
        "copyrights": [_copyright_data(each) for each in found.copyrights],
        "notices": list(found.notices),
    }


def report(found: Shipment) -> dict[str, Any]:
    """The same with what happened, for `--json`."""
    return {
        **data(found),
        "image": str(found.image) if found.image else None,
        "held": found.held,
        "fetched": found.fetched,
        "received": dict(sorted(found.received.items())),
        "exit_status": found.exit_status,
    }


def _package_data(each: Sourced) -> dict[str, Any]:
    return {
        "package": each.shipped.package,
        "version": each.shipped.version,
        "architecture": each.shipped.architecture,
        "how": each.how,
        "source": each.source[0],
        "source_version": each.source[1],
    }


def _kept_data(each: Kept, folder: str) -> dict[str, Any]:
    return {
        "source": each.name,
        "source_version": each.version,
        "suite": str(each.suite) if each.suite else None,
        "chain": each.chain,
        "folder": folder,
        "files": [{"name": file_name(f.name), "sha256": f.digest.hex, "size": f.size} for f in each.files],
    }


def _missing_data(each: Missing, demanded: Sequence[Sourced]) -> dict[str, Any]:
    return {
        "source": each.name,
        "source_version": each.version,
        "needed_by": [_package_data(one) for one in demanded],
        "tried": list(each.tried),
        "files": [
            {"name": file_name(f.name), "digest": str(f.digest), "size": f.size, "reason": f.reason} for f in each.files
        ],
        "gone": each.is_gone,
    }


def _copyright_data(each: CopyrightFile) -> dict[str, Any]:
    shipped = each.shipped
    return {
        "package": shipped.package,
        "version": shipped.version,
        "architecture": shipped.architecture,
        "path": None if each.content is None else f"copyright/{copyright_name(shipped)}",
        "reason": each.reason or None,
    }


# --- as a table ---


def table(found: Shipment) -> Iterator[str]:
    """`sources.tsv`: a line for each file that a binary package demands, and for each source package that is missing.

    What is no visible ASCII character is percent-encoded: a field is a field.
    """
    folders = folder_names(found.kept)
    yield "\t".join(COLUMNS)
    for each in found.sourced:
        for row in _rows(each, folders):
            yield "\t".join(visible(str(row.get(column, ""))).replace("%20", " ") for column in COLUMNS)


def _rows(each: Sourced, folders: Mapping[tuple[str, ...], str]) -> Iterator[dict[str, Any]]:
    row = _package_data(each)
    if isinstance(each.answer, Missing):
        note = f"exception: {each.exemption.reason}" if each.exemption else "MISSING"
        yield {**row, "note": note}
        return
    folder = folders[contents(each.answer)]
    row |= {"suite": each.answer.suite or "", "chain": each.answer.chain}
    for file in each.answer.files:
        yield {**row, "path": f"{folder}/{file_name(file.name)}", "sha256": file.digest.hex, "size": file.size}
