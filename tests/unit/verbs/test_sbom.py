# SPDX-License-Identifier: MIT
"""A bill of materials on request, in either form."""

import json
import sys
from pathlib import Path

import pytest

import aptfreeze.describe
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import UsageError
from aptfreeze.verbs.sbom import FORMATS, sbom
from support.describing import described_environment, image_of, shipped_repository, status
from support.repository import MakeRepository


@pytest.fixture
def opened(make_repository: MakeRepository, tmp_path: Path) -> Opened:
    return described_environment(tmp_path, shipped_repository(make_repository))


@pytest.mark.parametrize("form", FORMATS)
def test_each_form_has_the_packages_of_the_image(opened: Opened, tmp_path: Path, form: str) -> None:
    text = sbom(opened, image_of(tmp_path, status("hello")), form, None)

    assert "pkg:deb/test/hello@1.0?arch=amd64&distro=bookworm" in text
    assert "pkg:deb/test/hello@1.0?arch=source" in text


@pytest.mark.parametrize(("given", "name"), [(None, "image"), ("product 7", "product 7")])
def test_the_product_has_the_name_of_its_image_unless_another_is_given(
    opened: Opened, tmp_path: Path, given: str | None, name: str
) -> None:
    text = sbom(opened, image_of(tmp_path, status("hello")), "cyclonedx", given)

    assert json.loads(text)["metadata"]["component"]["name"] == name


@pytest.mark.parametrize(("form", "library"), [("cyclonedx", "cyclonedx"), ("spdx", "spdx_tools")])
def test_a_library_that_is_missing_is_told_with_how_to_get_it(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, library: str
) -> None:
    for module in [name for name in sys.modules if name.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.delitem(sys.modules, f"aptfreeze.describe.{form}", raising=False)
    monkeypatch.delattr(aptfreeze.describe, form, raising=False)
    monkeypatch.setitem(sys.modules, library, None)

    with pytest.raises(UsageError, match=f"not installed .{library}") as caught:
        sbom(opened, image_of(tmp_path, status("hello")), form, None)
    assert "aptfreeze[sbom]" in (caught.value.hint or "")
