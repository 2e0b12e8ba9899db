# SPDX-License-Identifier: MIT
"""What makes the documents whole."""

from __future__ import annotations

from pathlib import Path

from check_docs import (
    ROOT,
    broken_links,
    complaints,
    keys_of_data,
    lost_pages,
    missing_code,
    missing_words,
    odd_examples,
    odd_fragments,
)


def test_the_documents_are_whole() -> None:
    assert list(complaints(ROOT)) == []


def test_a_link_that_leads_nowhere_is_named_also_behind_an_example(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("[here](docs/page.md) [far](https://example.org/x)\n")
    (tmp_path / "docs/page.md").write_text("[up](../README.md)\n\n    [code](no-link.md)\n\n[gone](gone.md#part)\n")

    assert list(broken_links(tmp_path)) == ["docs/page.md: the link gone.md leads nowhere"]


def test_a_page_that_nobody_finds_is_named(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("[here](docs/page.md)\n")
    (tmp_path / "docs/page.md").write_text("nothing\n")
    (tmp_path / "docs/lost.md").write_text("[itself](lost.md)\n")

    assert list(lost_pages(tmp_path)) == ["no other page has a link to docs/lost.md"]


def test_a_fragment_of_an_unknown_type_is_named(tmp_path: Path) -> None:
    (tmp_path / "changelog.d").mkdir()
    for name in ("README.md", "a-slug.bugfix.md", "a-slug.fix.md"):
        (tmp_path / "changelog.d" / name).write_text("text\n")

    assert [complaint.split()[0] for complaint in odd_fragments(tmp_path)] == ["changelog.d/a-slug.fix.md"]


def test_a_flag_that_is_not_described_is_named(tmp_path: Path) -> None:
    page = tmp_path / "commands.md"
    page.write_text("`--lock` and `--json FILE`\n")

    assert list(missing_words(page, ["--json", "--locked"])) == ["commands.md says nothing of --locked"]


def test_a_key_that_only_occurs_within_another_word_is_missing(tmp_path: Path) -> None:
    page = tmp_path / "records-and-json.md"
    page.write_text("`exit_status`, and the status\n")

    assert list(missing_code(page, ["exit_status", "status"])) == ["records-and-json.md says nothing of `status`"]


def test_the_keys_of_data_are_those_of_dict_literals(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text('def data(x):\n    return {"a": [{"b": x["c"]}], x: "d", **{"e": "f"}}\n')

    assert sorted(keys_of_data(module)) == ["a", "b", "e"]


def test_an_example_that_the_command_would_refuse_is_named(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(
        "    $ FOO=1 aptfreeze run --lock -- make | head\n"
        "    $ aptfreeze status --json | jq --raw-output .state\n"
        "    aptfreeze 1.0 is no verb, aptfreeze archive neither\n"
        "    $ sudo aptfreeze serve --port 1 &\n"
        "aptfreeze run --far away is text.\n"
    )

    assert list(odd_examples(tmp_path)) == [
        "README.md: aptfreeze run --lock -- make: unrecognized arguments: --lock",
        "README.md: aptfreeze serve --port 1: unrecognized arguments: --port 1",
    ]
