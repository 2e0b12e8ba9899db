# SPDX-License-Identifier: MIT
"""Lines, table and data of a shipment."""

from pathlib import Path

from aptfreeze.describe import shipmenttext
from aptfreeze.describe.shipment import CopyrightFile
from aptfreeze.describe.shipmenttext import COLUMNS, file_name, folder_names
from aptfreeze.describe.shipped import How
from support.shipping import BASH, EXEMPTION, SUITE, TOOL, content, kept, missing, of, shipment

ZLIB = kept("zlib", "1:1.0-1", "zlib_1.0-1.dsc", "zlib_1.0.orig.tar.gz")
OUTSIDE = kept("golang-x", "0.1", "golang-x_0.1.dsc", suite=None)


def test_a_line_for_the_whole_and_one_for_each_that_is_not_as_it_should_be() -> None:
    found = shipment(
        of(BASH, ZLIB, How.BUILT_USING),
        of(BASH, OUTSIDE, How.STATIC),
        of(TOOL, missing("tool"), exemption=EXEMPTION),
        of(BASH, missing("lost", "here: no", "there: no"), How.CARGO),
        of(TOOL, missing("torn", file="torn_1.0.dsc")),
        image=Path("image.tar"),
        copyrights=(CopyrightFile(BASH, None, "it has none"), CopyrightFile(TOOL, None, "away", is_lacking=True)),
    )

    assert list(shipmenttext.lines(found)) == [
        "generation 000000000000, sources of the packages of image.tar: "
        "2 packages, 2 source packages, 3 files, 53 bytes",
        "2 were archived before, 1 were fetched: 10 bytes from mirror.example.org",
        "in no pinned suite, from a snapshot service, outside the signed chain: golang-x 0.1",
        "EXCEPTION tool 1.0 (source of tool 1.0 all): binary only",
        "MISSING lost 1.0 (X-Cargo-Built-Using of bash 5.2-1+b1 amd64):",
        "  here: no",
        "  there: no",
        "MISSING torn 1.0 (source of tool 1.0 all):",
        "  torn_1.0.dsc: no mirror has it",
        "2 source packages could not be had, 1 of them only linked statically",
        "NO copyright file of bash 5.2-1+b1 amd64: it has none",
        "MISSING copyright file of tool 1.0 all: away",
    ]


def test_the_last_line_is_the_verdict_and_where_they_are() -> None:
    whole, partial, out = shipment(of(BASH, ZLIB)), shipment(of(BASH, missing("lost"))), Path("release/sources")

    assert list(shipmenttext.lines(whole))[-1] == "all sources are archived"
    assert list(shipmenttext.lines(whole, out))[-1] == "all sources are in release/sources"
    assert list(shipmenttext.lines(partial, out))[-1] == "what could be had is in release/sources"
    assert list(shipmenttext.lines(partial))[-1] == "1 source package could not be had"


def test_a_row_for_each_file_and_for_what_is_missing() -> None:
    found = shipment(
        of(BASH, ZLIB, How.BUILT_USING), of(TOOL, missing("tool"), exemption=EXEMPTION), of(BASH, missing("lost"))
    )

    header, *rows = [line.split("\t") for line in shipmenttext.table(found)]

    assert tuple(header) == COLUMNS
    names = ["bash", "5.2-1+b1", "amd64", "built-using", "zlib", "1:1.0-1", str(SUITE), "signed"]
    assert rows[0] == [*names, "zlib_1%3A1.0-1/zlib_1.0-1.dsc", ZLIB.files[0].digest.hex, str(ZLIB.files[0].size), ""]
    assert [(row[0], row[4], row[8], row[-1]) for row in rows[2:]] == [
        ("tool", "tool", "", "exception: binary only"),
        ("bash", "lost", "", "MISSING"),
    ]


def test_data_tells_the_same_as_the_table() -> None:
    found = shipment(of(BASH, OUTSIDE, How.STATIC), of(BASH, missing("lost", "here: no", is_gone=None), How.CARGO))

    data = shipmenttext.data(found)

    [source] = data["sources"]
    assert (source["suite"], source["chain"], source["folder"]) == (None, "snapshot", "golang-x_0.1")
    [lost] = data["missing"]
    assert (lost["source"], lost["gone"], [each["how"] for each in lost["needed_by"]]) == ("lost", None, ["cargo"])
    assert not data["complete"]
    assert shipmenttext.report(found)["exit_status"] == 3
    assert not {"held", "fetched", "received", "image"} & data.keys()


def test_one_name_and_version_with_other_files_has_another_folder() -> None:
    one, two = kept("a", "1", "a_1.dsc"), kept("a", "1", "a_1.dsc", salt="x")
    same = kept("a", "1", "a_1.dsc", suite=None)

    names = folder_names([two, one, same])

    assert names == folder_names([same, one, two])
    assert sorted(names.values()) == ["a_1", f"a_1_{max(each.files[0].digest.hex for each in (one, two))[:12]}"]
    assert content("a_1.dsc") != content("a_1.dsc", "x")


def test_no_text_of_an_index_leads_out_of_the_folder() -> None:
    assert [file_name(text) for text in ("../x", "a/b", "..", "1:2~b+1", "\n")] == [
        *("..%2Fx", "a%2Fb", "%2E%2E", "1%3A2~b+1", "%0A"),
    ]
