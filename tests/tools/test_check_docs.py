# SPDX-License-Identifier: MIT
"""What makes the documents whole."""

from __future__ import annotations

from pathlib import Path

from check_docs import ROOT, broken_links, complaints, missing_words


def test_the_documents_are_whole() -> None:
    assert list(complaints(ROOT)) == []


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("[here](docs/page.md) [gone](docs/gone.md#part) [far](https://example.org/x)\n")
    (tmp_path / "docs/page.md").write_text("[back](../README.md)\n\n    [code](is-no-link.md)\n")
    assert list(broken_links(tmp_path)) == ["README.md: the link docs/gone.md leads nowhere"]


def test_a_flag_that_is_not_described_is_named(tmp_path: Path) -> None:
    page = tmp_path / "commands.md"
    page.write_text("`--lock` and `--json FILE`\n")
    assert list(missing_words(page, ["--json", "--locked"])) == ["commands.md says nothing of --locked"]
