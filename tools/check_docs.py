# SPDX-License-Identifier: MIT
"""Checks that the documents are whole: links lead somewhere; every verb, flag and setting is described."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_CODE = re.compile(r"^(?:    .*|```.*?^```)$", re.MULTILINE | re.DOTALL)


def pages(root: Path) -> list[Path]:
    return [*sorted(root.glob("*.md")), *sorted((root / "docs").rglob("*.md")), *sorted(root.glob("changelog.d/*.md"))]


def broken_links(root: Path) -> Iterator[str]:
    for page in pages(root):
        for target in _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8"))):
            if "://" not in target and not (page.parent / target).exists():
                yield f"{page.relative_to(root)}: the link {target} leads nowhere"


def missing_words(page: Path, words: Iterable[str]) -> Iterator[str]:
    """Words that the page must have as code: `word`, or at the start of one."""
    text = page.read_text(encoding="utf-8")
    yield from (f"{page.name} says nothing of {word}" for word in words if not re.search(rf"{re.escape(word)}\b", text))


def words_of_the_command() -> Iterator[str]:
    from aptfreeze.flags import build_parser
    from parser_tree import command_line

    tree = command_line(build_parser())
    for verb in tree.verbs:
        yield f"aptfreeze {verb.name}"
        yield from (flag for option in verb.options for flag in option.flags if flag not in ("-h", "--help"))


def settings() -> Iterator[str]:
    from aptfreeze.settings import ROWS

    return (f"`{row.key}`" for row in ROWS)


def complaints(root: Path) -> Iterator[str]:
    reference = root / "docs/reference"
    yield from broken_links(root)
    yield from missing_words(reference / "commands.md", words_of_the_command())
    text = (reference / "configuration.md").read_text(encoding="utf-8")
    yield from (f"configuration.md says nothing of {key}" for key in settings() if key not in text)


if __name__ == "__main__":
    found = list(complaints(ROOT))
    print("\n".join(found))
    sys.exit(1 if found else 0)
