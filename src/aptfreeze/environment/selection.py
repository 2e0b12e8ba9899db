# SPDX-License-Identifier: MIT
"""Which pins and single files a command means: by whole key, by suite or codename, by repository, by url. Pure."""

from collections.abc import Collection, Sequence

from aptfreeze.errors import UsageError
from aptfreeze.freeze.generation import Generation, SuiteKey
from aptfreeze.values import immutable


@immutable
class Selection:
    keys: tuple[SuiteKey, ...]
    urls: tuple[str, ...]
    """Of single files, without scheme."""


def select(generation: Generation, words: Sequence[str]) -> Selection:
    """What the words name; everything if there are none. UsageError for a word that names nothing that is pinned."""
    if not words:
        return Selection(tuple(sorted(generation.pins)), tuple(sorted(generation.extra)))
    keys: set[SuiteKey] = set()
    urls: set[str] = set()
    for word in words:
        plain = word.partition("://")[2] or word
        meant = {key for key in generation.pins if {plain, plain.rstrip("/")} & _names(generation, key)}
        files = {plain} & generation.extra.keys()
        if not meant and not files:
            raise UsageError(f"{word!r} names no pinned suite", hint=_known(generation.pins))
        keys |= meant
        urls |= files
    return Selection(tuple(sorted(keys)), tuple(sorted(urls)))


def _names(generation: Generation, key: SuiteKey) -> set[str]:
    return {str(key), key.suite, key.repository, *generation.pins[key].names} - {"./"}


def _known(keys: Collection[SuiteKey]) -> str:
    if not keys:
        return 'nothing is pinned yet: the first build pins what it asks for ("aptfreeze run -- COMMAND")'
    return "pinned are: " + ", ".join(f'"{key}"' for key in sorted(keys)) + "; the suite's name alone will do"
