# SPDX-License-Identifier: MIT
"""From a path to what the current generation says of it. The heart of freezing.

Rule 1: the answer follows from the generation and the files it leads to by hash, never from the time, from the
network or from what a client asked before. A "no" is as deterministic as a "yes".
Rule 2: no I/O; what must be looked up is yielded as a need (see `freeze.outcome`).
Rule 3: below `dists/` and `pool/`, in the folder of a flat suite and for any package file, the chain alone answers.
"""

from collections.abc import Generator, Mapping

from aptfreeze.deb import paths
from aptfreeze.deb.release import ListedFile, Release
from aptfreeze.freeze.digest import Algorithm, Digest, Wanted
from aptfreeze.freeze.generation import BarePackages, Generation, InRelease, ReleasePair, SuiteKey
from aptfreeze.freeze.outcome import (
    Absent,
    Answer,
    Asked,
    Foreign,
    Need,
    NeedRelease,
    NeedSums,
    Outcome,
    PinnedFile,
    PinnedPayload,
    PinnedResigned,
    PinnedRoot,
    PinnedSingle,
    Resolution,
    Suite,
    SuiteFile,
    Unpinned,
    UnpinnedSingle,
    is_trustworthy,
    relative_to_suite,
    suite_file,
)
from aptfreeze.freeze.search import folders_of, search


def resolve(asked: Asked, generation: Generation) -> Resolution:
    """Decide what `asked` is in `generation`; see the module's rules for the protocol."""
    location = asked.location
    url = location.text + location.query
    if url in generation.extra:
        return PinnedSingle(url, generation.extra[url])
    splits = paths.dists_splits(location.text)
    if splits and not location.query:
        return (yield from _below_dists(asked, splits, generation))
    flat = _flat_above(location.text, generation)
    if flat is not None:
        return (yield from _below_flat(asked, generation, flat))
    if _is_list_of_a_flat_suite(asked):
        folder, _, name = location.text.rpartition("/")
        return Unpinned(SuiteKey(folder, "./"), name)
    return (yield from _package_or_other(asked, generation))


def find_suite(generation: Generation, repository: str, name: str) -> Suite | None:
    """The pin that answers for suite `name`: the one asked by that name first, else the only one it is a name of."""
    key = SuiteKey(repository, name)
    if key in generation.pins:
        return key, generation.pins[key]
    named = [(k, p) for k, p in generation.pins.items() if k.repository == repository and name in p.names]
    return named[0] if len(named) == 1 else None


# --- below dists/ ---


def _below_dists(asked: Asked, splits: list[tuple[str, str]], generation: Generation) -> Resolution:
    for repository, below in splits:
        folder, _, name = below.rpartition("/")
        suite = find_suite(generation, repository, folder) if name in paths.RELEASE_NAMES else None
        if suite is not None:
            return _root(asked, suite, name)
        found = _longest_suite(generation, repository, below)
        if found is None:
            continue
        outcome = yield from _listed(asked, *found)
        # `Release` is also the name of files inside a suite; one that is not listed may be a longer suite's own.
        if not (isinstance(outcome, Absent) and name in paths.RELEASE_NAMES):
            return outcome
    return _nothing_pinned_below_dists(*splits[0])


def _nothing_pinned_below_dists(repository: str, below: str) -> Outcome:
    folder, _, name = below.rpartition("/")
    if folder and name in paths.RELEASE_NAMES:
        return Unpinned(SuiteKey(repository, folder), name)
    return Absent(f"no suite of {repository} is pinned that dists/{below} belongs to; its InRelease was not asked")


def _longest_suite(generation: Generation, repository: str, below: str) -> tuple[Suite, str] | None:
    """The suite whose name is the longest prefix of `below`, and the rest of `below`."""
    best: tuple[Suite, str] | None = None
    folder = below
    while best is None and "/" in folder:
        folder = folder.rpartition("/")[0]
        suite = find_suite(generation, repository, folder)
        best = suite and (suite, below[len(folder) + 1 :])
    return best


def _root(asked: Asked, suite: Suite, name: str) -> Outcome:
    """InRelease, Release or Release.gpg of a pinned suite: only what the pin is made of exists, or all, re-signed."""
    key, pin = suite
    # What nobody signed gets no signature by being frozen.
    if asked.resigns and pin.signers and not isinstance(pin.root, BarePackages):
        return PinnedResigned(key, pin, name)
    match pin.root:
        case InRelease(digest) if name == "InRelease":
            return PinnedRoot(key, pin, SuiteFile(Wanted(digest), relative_to_suite(key, name), date=pin.date))
        case InRelease() if name == "Release":
            return PinnedPayload(key, pin)
        case ReleasePair(release) if name == "Release":
            return PinnedRoot(key, pin, SuiteFile(Wanted(release), relative_to_suite(key, name), date=pin.date))
        case ReleasePair(_, signature) if name == "Release.gpg" and signature is not None:
            return PinnedRoot(key, pin, SuiteFile(Wanted(signature), relative_to_suite(key, name), date=pin.date))
        case BarePackages(packages, file) if name == file:
            return PinnedRoot(key, pin, SuiteFile(Wanted(packages), relative_to_suite(key, name), date=pin.date))
    return Absent(f"{name} is no part of the pin of {key}")


def _listed(asked: Asked, suite: Suite, rest: str) -> Resolution:
    key, pin = suite
    if isinstance(pin.root, BarePackages):
        return _root(asked, suite, rest)
    release = yield NeedRelease(key, pin)
    assert isinstance(release, Release)
    asked_hash = paths.by_hash(rest)
    listed = release.find_by_hash(*asked_hash) if asked_hash else release.files.get(rest)
    if listed is not None:
        return _listed_file(suite, release, listed)
    second = yield from _second_level(suite, release, rest)
    if second is not None:
        return second
    return Absent(f"{rest} is not listed in the pinned Release of {key}", is_stale=asked_hash is not None)


def _listed_file(suite: Suite, release: Release, listed: ListedFile) -> Outcome:
    key, pin = suite
    # Patches lead from one state to the next one: a frozen suite has no next one, and a full index is as good.
    if ".diff/" in listed.path:
        return Absent("pdiffs are not served from a frozen suite")
    file = suite_file(key, release, listed)
    if not is_trustworthy(pin, file.wanted):
        return Absent(f"{listed.path} is listed in the Release of {key} by MD5 or SHA1 only, which can be forged")
    compressed = [v for v in release.variants(listed.path) if v.path.startswith(listed.path + ".")]
    return PinnedFile(key, pin, file, tuple(suite_file(key, release, variant) for variant in compressed))


def _second_level(suite: Suite, release: Release, rest: str) -> Generator[Need, Answer, Outcome | None]:
    """Installer images are listed in a SHA256SUMS file that the Release lists."""
    key, pin = suite
    folder = rest
    while "/" in folder:
        folder = folder.rpartition("/")[0]
        listed = release.files.get(f"{folder}/SHA256SUMS")
        if listed is None:
            continue
        sums = yield NeedSums(key, pin, suite_file(key, release, listed))
        assert isinstance(sums, Mapping)
        value = sums.get(rest[len(folder) + 1 :])
        if value is not None:
            wanted = Wanted(Digest(Algorithm.SHA256, value))
            relative = relative_to_suite(key, rest)
            return PinnedFile(key, pin, SuiteFile(wanted, relative, date=release.date, origin=release.origin))
    return None


# --- flat repositories ---


def _is_list_of_a_flat_suite(asked: Asked) -> bool:
    """Whether apt asks for the signed file, or the package list, of a flat repository: it has no other form."""
    name = asked.location.path.rpartition("/")[2]
    is_list = name == "Packages" or name.startswith("Packages.")
    return asked.from_apt and not asked.location.query and (name in paths.RELEASE_NAMES or is_list)


def _flat_above(text: str, generation: Generation) -> Suite | None:
    if not any(key.is_flat for key in generation.pins):
        return None
    folder = text
    while "/" in folder:
        folder = folder.rpartition("/")[0]
        suite = find_suite(generation, folder, "./")
        if suite is not None:
            return suite
    return None


def _below_flat(asked: Asked, generation: Generation, suite: Suite) -> Resolution:
    key, _ = suite
    rest = asked.location.text[len(key.repository) + 1 :]
    if rest in paths.RELEASE_NAMES:
        return _root(asked, suite, rest)
    if not paths.has_pool_form(asked.location.text):
        outcome = yield from _listed(asked, suite, rest)
        if not isinstance(outcome, Absent):
            return outcome
    package = yield from search(asked, generation)
    return package or Absent(f"{rest} is in no index of {key}", is_stale=paths.has_pool_form(rest))


# --- package files and the rest ---


def _package_or_other(asked: Asked, generation: Generation) -> Resolution:
    text = asked.location.text
    if not asked.location.query:
        package = yield from search(asked, generation)
        if package is not None:
            return package
        if paths.has_pool_form(text):
            return _no_such_package(text, generation)
    return UnpinnedSingle(text + asked.location.query) if asked.from_apt else Foreign()


def _no_such_package(text: str, generation: Generation) -> Absent:
    pinned = sorted(str(key) for key in generation.pins if any(True for _ in folders_of(key, text)))
    if not pinned:
        return Absent(f"no suite of a repository that holds {text} is pinned", is_stale=True)
    return Absent(f"{text} is in no index of {', '.join(pinned)}", is_stale=True)
