# SPDX-License-Identifier: MIT
"""`aptfreeze export`: hand a generation over with all that it needs, as a folder or as one file.

Rule 1: what the archive lacks is told, and nothing is written.
Rule 2: every file is verified before it leaves the archive; the target is there when all of it is, or not at all.
Rule 3: private keys and passwords are never in it: the configuration is given out without them, and certificates
come from keyrings, which hold public halves.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

from aptfreeze.archive.objects import Objects
from aptfreeze.archive.outgoing import Outgoing, outgoing_folder, outgoing_stream, outgoing_tar
from aptfreeze.archive.placing import How
from aptfreeze.describe import closure, exported, sourcelist
from aptfreeze.describe.amounts import counted, size_text
from aptfreeze.describe.closure import Chosen, Piece
from aptfreeze.describe.correspondence import Unlisted
from aptfreeze.describe.exported import Member
from aptfreeze.describe.extent import Extent, Wish, refuse_unknown
from aptfreeze.describe.manifest import Manifest
from aptfreeze.describe.progress import FilesProgress
from aptfreeze.describe.watching import Show, watched
from aptfreeze.environment import absent, files, records
from aptfreeze.environment.distilling import distilled
from aptfreeze.environment.known import open_archive_for
from aptfreeze.environment.machine import architecture
from aptfreeze.environment.opened import Opened
from aptfreeze.environment.own import without_own
from aptfreeze.errors import IntegrityError, UsageError
from aptfreeze.fetch.lookup import Lookup
from aptfreeze.freeze.generation import Generation
from aptfreeze.freeze.lockfile import dump, state_digest
from aptfreeze.settings import Sources, TrustSettings
from aptfreeze.trust.keyring import certificates_of
from aptfreeze.trust.keyrings import keyrings_for
from aptfreeze.values import immutable

_NAMED = 20
"""So many missing files are named."""


@immutable
class Exported:
    manifest: Manifest
    target: str
    counts: Mapping[How, int]
    without_key: tuple[str, ...]
    """Signed suites whose signers no keyring here has."""
    unlisted: tuple[Unlisted, ...]
    """Source packages that no pinned suite lists, so that they are not in it."""

    @property
    def exit_status(self) -> int:
        return IntegrityError.exit_code if self.unlisted else 0

    def lines(self) -> Iterator[str]:
        manifest = self.manifest
        what = f"{manifest.scope}{' with sources' if manifest.with_sources else ''}"
        size = f"{counted(len(manifest.files), 'file')}, {size_text(manifest.size)}"
        yield f"generation {manifest.generation[:12]}, {what}: {size}"
        how = ", ".join(f"{count} {how}" for how, count in sorted(self.counts.items()) if count)
        yield f"written to {self.target}{f': {how}' if how else ''}"
        yield f"state {manifest.state}"
        if manifest.left_out:
            yield f"left out of aptfreeze.toml, since they belong to this machine: {', '.join(manifest.left_out)}"
        for key in self.without_key:
            yield f"NO KEY of {key}: no keyring of this machine has one of its signers; apt needs one from elsewhere"
        for each in self.unlisted:
            yield f"MISSING source {each.name} {each.version} of {each.binary}: no Sources of a pinned suite lists it"

    def data(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "generation": self.manifest.generation,
            "state": str(self.manifest.state),
            "scope": self.manifest.scope,
            "with_sources": self.manifest.with_sources,
            "target": self.target,
            "files": len(self.manifest.files),
            "bytes": self.manifest.size,
            "linked": self.counts.get(How.LINKED, 0),
            "cloned": self.counts.get(How.CLONED, 0),
            "copied": self.counts.get(How.COPIED, 0),
            "left_out": list(self.manifest.left_out),
            "without_key": list(self.without_key),
            "unlisted_sources": [f"{each.name} {each.version}" for each in self.unlisted],
            "exit_status": self.exit_status,
        }


def export(
    opened: Opened, wish: Wish, target: str | IO[bytes], *, bills: Sequence[Path] = (), show: Show | None = None
) -> Exported:
    """Write the export to `target`: a folder, a file that ends with `.tar`, or an open stream.

    `bills` are bills of materials that go with it.
    IntegrityError if something is missing or damaged, UsageError if the target cannot be written.
    """
    generation = opened.store.load()
    usage = records.load(opened.environment.records, generation.id)
    refuse_unknown(generation, usage, wish, opened.environment.records, "export")
    architectures = records.architectures(opened.environment.records) | {architecture()}
    with open_archive_for(opened.store, opened.settings) as archive:
        extent = Extent(archive.lookup(offline=True), generation, usage, architectures, wish)
        plan = _planned(opened, extent, bills)
        named = target if isinstance(target, str) else "stdout"
        with files.told_as_usage("write", Path(named)), _opened(target, generation) as outgoing:
            _write(archive.objects, plan, outgoing, show)
    return Exported(plan.manifest, named, outgoing.counts, plan.without_key, plan.unlisted)


# --- what is in it ---


@immutable
class _Plan:
    manifest: Manifest
    members: tuple[Member, ...]
    without_key: tuple[str, ...]
    unlisted: tuple[Unlisted, ...]


def _planned(opened: Opened, extent: Extent, bills: Sequence[Path]) -> _Plan:
    """IntegrityError if the archive lacks something of it."""
    objects, generation = extent.lookup.objects, extent.generation
    suites = extent.suites()
    packages, unlisted = extent.packages(suites)
    needs_sources = extent.wish.with_sources or opened.settings.policy.sources is Sources.REQUIRE
    pieces = [*closure.roots(generation), *_indexes(extent.lookup, suites, needs_sources), *packages]
    _refuse_missing([piece for piece in pieces if closure.held_form(objects, piece) is None], extent.wish)
    keyrings = dict(_keyrings(generation, opened.settings.trust))
    found = exported.entries(extent.lookup, suites, keyrings, has_sources=extent.wish.with_sources)
    config, left_out = _config(opened)
    documents = {**_documents(extent, found), **config, **keyrings, **_bills(bills)}
    if told := absent.exported(opened.environment.absent, exported.listed_files(extent.lookup, suites)):
        documents["absent.jsonl"] = told
    members = exported.members(objects, exported.places(objects, pieces), documents)
    manifest = Manifest(
        generation.id,
        state_digest(generation),
        extent.wish.scope,
        extent.wish.with_sources,
        tuple(sorted(extent.architectures)),
        left_out,
        {each.listed.path: each.listed for each in members},
    )
    signed = [each for each in found if each.is_signed]
    without_key = dict.fromkeys(str(each.key) for each in signed if not each.keyring)
    return _Plan(manifest, tuple(members), tuple(without_key), unlisted)


def _indexes(lookup: Lookup, suites: Iterable[Chosen], needs_sources: bool) -> Iterator[Piece]:
    """Those that apt asks for; Sources and translations also if they are not needed, but held."""
    for suite in suites:
        yield from closure.index_pieces(lookup, suite)
        for piece in closure.source_index_pieces(lookup, suite):
            if needs_sources or closure.held_form(lookup.objects, piece):
                yield piece
        for piece in closure.translation_pieces(lookup, suite):
            if closure.held_form(lookup.objects, piece):
                yield piece


def _refuse_missing(missing: list[Piece], wish: Wish) -> None:
    if not missing:
        return
    lines = [f"{piece.part} {piece.name} ({piece.path})" for piece in missing[:_NAMED]]
    more = [f"and {len(missing) - _NAMED} more"] if len(missing) > _NAMED else []
    flags = f"{' --all' if wish.is_all else ''}{' --sources' if wish.with_sources else ''}"
    raise IntegrityError(
        "\n".join(
            [f"the archive lacks {counted(len(missing), 'file')} of it, and nothing was written:", *lines, *more]
        ),
        hint=f"aptfreeze fetch{flags}",
    )


def _keyrings(generation: Generation, trust: TrustSettings) -> Iterator[tuple[str, bytes]]:
    """A keyring for each suite whose signers are known here."""
    for key, pin in generation.pins.items():
        data = certificates_of(keyrings_for(key.repository, trust), pin.signers)
        if data:
            yield f"keyrings/{sourcelist.keyring_name(key)}", data


def _config(opened: Opened) -> tuple[dict[str, bytes], tuple[str, ...]]:
    data = files.read(opened.environment.config_file)
    if data is None:
        return {}, ()
    text, left_out = without_own(data.decode(), str(opened.environment.config_file))
    return {"aptfreeze.toml": text.encode()}, left_out


def _bills(paths: Iterable[Path]) -> dict[str, bytes]:
    """UsageError for one that cannot be read, and for two of one name."""
    found: dict[str, bytes] = {}
    for path in paths:
        data = files.read(path)
        name = f"sbom/{path.name}"
        if data is None or name in found:
            why = "there is no such file" if data is None else "another one has that name"
            raise UsageError(f"{path} cannot go with the export: {why}", hint="aptfreeze sbom > FILE writes one")
        found[name] = data
    return found


def _documents(extent: Extent, entries: list[sourcelist.Entry]) -> dict[str, bytes]:
    generation = extent.generation
    state = state_digest(generation)
    documents = sourcelist.documents(generation.id, str(state), entries)
    documents["aptfreeze.lock"] = dump(generation).encode()
    if extent.usage.sessions:
        name, data = distilled(extent.usage, generation.created, state)
        documents[f"records/{generation.id}/{name}.jsonl"] = data
    return documents


# --- writing it ---


def _opened(target: str | IO[bytes], generation: Generation) -> AbstractContextManager[Outgoing]:
    mtime = int(generation.created.timestamp())
    if not isinstance(target, str):
        return outgoing_stream(target, mtime)
    if target.endswith((".tar.zst", ".tar.xz", ".tar.gz", ".tgz", ".zip")):
        raise UsageError(
            f"{target} would be compressed, and nearly all in it is compressed already",
            hint="end the name with .tar, or compress the stream: aptfreeze export - | zstd > FILE",
        )
    path = Path(os.path.abspath(target))  # noqa: PTH100 - `..` behind a link is what the user means by it
    if target.endswith(".tar") or (path.exists() and not path.is_dir()):
        return outgoing_tar(path, mtime)
    return outgoing_folder(path)


def _write(objects: Objects, plan: _Plan, outgoing: Outgoing, show: Show | None) -> None:
    done: list[int] = []
    progress = FilesProgress(len(plan.members), plan.manifest.size)
    with watched(lambda now: progress.line(len(done), sum(done), (), now), show):
        for path, data in exported.leading(plan.manifest):
            outgoing.put(path, data)
        for member in plan.members:
            _hand_over(objects, member, outgoing)
            done.append(member.listed.size)


def _hand_over(objects: Objects, member: Member, outgoing: Outgoing) -> None:
    listed = member.listed
    if member.data is not None:
        outgoing.put(listed.path, member.data, 0o755 if listed.path == sourcelist.SCRIPT else 0o644)
        return
    growth = objects.growth(listed.sha256)
    if growth is None:
        raise IntegrityError(f"{listed.path} ({listed.sha256}) was taken out of the archive meanwhile")
    try:
        growth.wait()
    except IntegrityError as error:
        raise IntegrityError(f"{listed.path}: {error.message}", hint="aptfreeze fetch gets it anew") from error
    outgoing.place(listed.path, growth.descriptor(), listed.size)
