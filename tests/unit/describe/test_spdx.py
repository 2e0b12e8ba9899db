# SPDX-License-Identifier: MIT
"""A bill as SPDX: valid by the library of its makers, and the same again."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from aptfreeze.describe import spdx
from aptfreeze.describe.bill import Bill
from support.bills import BILL, DATA, LIBRARY, SOURCE


def written(bill: Bill, folder: Path) -> dict[str, Any]:
    file = folder / "bill.spdx.json"
    file.write_text(spdx.text(bill))
    assert [each.validation_message for each in validate_full_spdx_document(parse_file(str(file)))] == []
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def test_packages_have_purl_hashes_and_supplier(tmp_path: Path) -> None:
    found = {each["name"]: each for each in written(BILL, tmp_path)["packages"]}

    assert set(found) == {"product", "data", "hello", "libhello"}
    library = found["libhello"]
    assert library["externalRefs"][0]["referenceLocator"] == LIBRARY.purl
    assert {each["algorithm"]: each["checksumValue"] for each in library["checksums"]} == {
        "SHA256": LIBRARY.sha256,
        "SHA512": LIBRARY.sha512,
    }
    assert library["packageFileName"] == "libhello_2.10-3+b1_amd64.deb"
    assert library["supplier"] == "Organization: Jane Doe (jane@example.org)"
    assert found["hello"]["primaryPackagePurpose"] == "SOURCE"


def test_relations_are_those_of_the_bill(tmp_path: Path) -> None:
    relationships = written(BILL, tmp_path)["relationships"]

    found = {(each["spdxElementId"], each["relationshipType"], each["relatedSpdxElement"]) for each in relationships}
    data, hello, library = "SPDXRef-data-1.0-all", "SPDXRef-hello-2.10-3-source", "SPDXRef-libhello-2.10-3-b1-amd64"
    assert found == {
        ("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-image"),
        (data, "PACKAGE_OF", "SPDXRef-image"),
        (library, "PACKAGE_OF", "SPDXRef-image"),
        (library, "DEPENDS_ON", data),
        (hello, "GENERATES", library),
    }


def test_versions_that_look_alike_stay_two_packages(tmp_path: Path) -> None:
    one, other = (replace(DATA, version=version, purl=f"pkg:deb/debian/data@{version}") for version in ("1~0", "1+0"))
    alike = (one, other, SOURCE)

    ids = [each["SPDXID"] for each in written(replace(BILL, components=alike), tmp_path)["packages"]]

    assert len(set(ids)) == 4


def test_it_is_the_same_again_and_another_one_has_another_name(tmp_path: Path) -> None:
    assert spdx.text(BILL) == spdx.text(BILL)
    found, other = (written(each, tmp_path) for each in (BILL, replace(BILL, components=(DATA,))))
    assert found["documentNamespace"] != other["documentNamespace"]
    assert found["creationInfo"]["created"] == "2026-11-24T07:00:00Z"
