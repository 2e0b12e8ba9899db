# SPDX-License-Identifier: MIT
"""A bill as CycloneDX: valid by the official schema, and the same again."""

import json
from dataclasses import replace
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from aptfreeze.describe import cyclonedx
from aptfreeze.describe.bill import Bill
from support.bills import BILL, DATA, LIBRARY, SOURCE


def written(bill: Bill) -> dict[str, Any]:
    text = cyclonedx.text(bill)
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert problem is None, problem
    found: dict[str, Any] = json.loads(text)
    return found


def test_components_have_purl_hashes_supplier_and_origin() -> None:
    found = written(BILL)

    (library,) = (each for each in found["components"] if each["name"] == "libhello")
    assert library["purl"] == library["bom-ref"] == LIBRARY.purl
    assert library["group"] == "debian"
    assert {each["alg"]: each["content"] for each in library["hashes"]} == {
        "SHA-256": LIBRARY.sha256,
        "SHA-512": LIBRARY.sha512,
    }
    assert library["supplier"] == {"name": "Jane Doe", "contact": [{"email": "jane@example.org"}]}
    assert {each["name"]: each["value"] for each in library["properties"]} == {
        "aptfreeze:suite": LIBRARY.suite,
        "aptfreeze:path": LIBRARY.path,
        "section": "libs",
    }
    assert len(found["components"]) == 3


def test_the_image_depends_on_its_packages_and_they_on_each_other() -> None:
    found = {each["ref"]: each.get("dependsOn", []) for each in written(BILL)["dependencies"]}

    assert found == {
        "aptfreeze:image": sorted([DATA.purl, LIBRARY.purl]),
        LIBRARY.purl: sorted([DATA.purl, SOURCE.purl]),
        DATA.purl: [],
        SOURCE.purl: [],
    }


def test_generation_state_and_time_are_those_of_the_lock_file() -> None:
    metadata = written(BILL)["metadata"]

    assert metadata["timestamp"].startswith("2026-11-24T07:00:00")
    assert {each["name"]: each["value"] for each in metadata["properties"]} == {
        "aptfreeze:generation": BILL.generation,
        "aptfreeze:state": BILL.state,
    }
    assert metadata["component"]["name"] == "product"


def test_it_is_the_same_again_and_another_one_has_another_number() -> None:
    assert cyclonedx.text(BILL) == cyclonedx.text(BILL)
    other = replace(BILL, components=(DATA,))
    assert written(other)["serialNumber"] != written(BILL)["serialNumber"]
