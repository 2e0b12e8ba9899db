# SPDX-License-Identifier: MIT
"""Checks that the documents are whole.

Links lead somewhere, every page below docs/ is linked from another one, changelog fragments have a name that a release
understands, aptfreeze takes the commands of the examples, and the reference describes every verb, flag, setting, and
every key of data that a verb prints or records. What there is to describe is read from the source, so that a new flag
or key is missed at once.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_CODE = re.compile(r"^(?:    [^\n]*|```.*?^```)$", re.MULTILINE | re.DOTALL)
_FRAGMENT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\.(feature|bugfix|change|doc)\.md")
_EXAMPLE = re.compile(r"^    .*?\b(aptfreeze [a-z]+\b[^|<>&'#\n]*)", re.MULTILINE)
"""A command in an indented block, up to where the shell begins to do something else."""
DATA_MODULES = (
    "describe/changelist",
    "describe/fetched",
    "describe/fsck",
    "describe/garbage",
    "describe/manifest",
    "describe/merges",
    "describe/rot",
    "describe/stats",
    "describe/shipmenttext",
    "describe/summary",
    "describe/verification",
    "describe/whereabouts",
    "environment/records",
    "verbs/config",
    "verbs/diff",
    "verbs/export",
    "verbs/import_",
    "verbs/key",
    "verbs/merge",
    "verbs/pin",
    "verbs/serve",
    "verbs/status",
)
"""Those that build what is printed as JSON or recorded, as dict literals."""


def pages(root: Path) -> list[Path]:
    return [*sorted(root.glob("*.md")), *sorted((root / "docs").rglob("*.md")), *sorted(root.glob("changelog.d/*.md"))]


def links(page: Path) -> list[str]:
    """The targets of a page's links to files; an indented block is an example and has none."""
    found = _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8")))
    return [target for target in found if "://" not in target]


def broken_links(root: Path) -> Iterator[str]:
    for page in pages(root):
        for target in links(page):
            if not (page.parent / target).exists():
                yield f"{page.relative_to(root)}: the link {target} leads nowhere"


def lost_pages(root: Path) -> Iterator[str]:
    """Pages below docs/ that no other page leads to."""
    linked = {(page.resolve(), (page.parent / target).resolve()) for page in pages(root) for target in links(page)}
    found = {target for page, target in linked if page != target}
    for page in sorted((root / "docs").rglob("*.md")):
        if page.resolve() not in found:
            yield f"no other page has a link to {page.relative_to(root)}"


def odd_fragments(root: Path) -> Iterator[str]:
    for path in sorted((root / "changelog.d").iterdir()):
        if path.name != "README.md" and not _FRAGMENT.fullmatch(path.name):
            yield f"changelog.d/{path.name} is not named SLUG.TYPE.md as changelog.d/README.md wants it"


def odd_examples(root: Path) -> Iterator[str]:
    """Commands that aptfreeze would refuse. What begins with no verb is taken for text."""
    from aptfreeze.cli.parser import build_parser
    from aptfreeze.errors import UsageError
    from parser_tree import command_line

    parser = build_parser()
    verbs = {verb.name for verb in command_line(parser).verbs}
    for page in pages(root):
        for example in _EXAMPLE.findall(page.read_text(encoding="utf-8")):
            words = example.split()[1:]
            if words[0] in verbs:
                try:
                    parser.parse_args(words)
                except UsageError as error:
                    yield f"{page.relative_to(root)}: {example.strip()}: {error.message}"


def missing_words(page: Path, words: Iterable[str]) -> Iterator[str]:
    """Words that the page does not have, as a whole or as the start of a piece of code."""
    text = page.read_text(encoding="utf-8")
    yield from (f"{page.name} says nothing of {word}" for word in words if not re.search(rf"{re.escape(word)}\b", text))


def missing_code(page: Path, words: Iterable[str]) -> Iterator[str]:
    """Words that do not stand in the page as `word`."""
    text = page.read_text(encoding="utf-8")
    yield from (f"{page.name} says nothing of `{word}`" for word in words if f"`{word}`" not in text)


def words_of_the_command() -> Iterator[str]:
    from aptfreeze.cli.parser import build_parser
    from parser_tree import command_line

    tree = command_line(build_parser())
    for verb in (tree.top, *tree.verbs):
        if verb.name:
            yield f"aptfreeze {verb.name}"
        yield from (flag for option in verb.options for flag in option.flags if flag.startswith("--"))


def settings() -> list[str]:
    from aptfreeze.rows import ROWS

    return [row.key for row in ROWS]


def keys_of_data(source: Path) -> Iterator[str]:
    """The keys that a module writes: the strings that stand as keys in its dict literals."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Dict):
            yield from (key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def recorded_keys() -> Iterator[str]:
    """Those that come from dataclasses and tables."""
    from aptfreeze.describe.listing import COLUMNS
    from aptfreeze.environment.process import Process
    from aptfreeze.environment.records import AskedIndex, ServedPackage, Totals

    yield from COLUMNS
    for kind in (AskedIndex, Process, ServedPackage, Totals):
        yield from (field.name for field in fields(kind))


def complaints(root: Path) -> Iterator[str]:
    reference, source = root / "docs/reference", root / "src/aptfreeze"
    yield from broken_links(root)
    yield from lost_pages(root)
    yield from odd_fragments(root)
    yield from odd_examples(root)
    yield from missing_words(reference / "commands.md", words_of_the_command())
    yield from missing_code(reference / "configuration.md", settings())
    keys = {key for module in DATA_MODULES for key in keys_of_data(source / f"{module}.py")} | set(recorded_keys())
    yield from missing_code(reference / "records-and-json.md", sorted(keys))


if __name__ == "__main__":
    found = list(complaints(ROOT))
    print("\n".join(found))
    sys.exit(1 if found else 0)
