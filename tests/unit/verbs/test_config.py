# SPDX-License-Identifier: MIT
"""The listing of settings, for people and for programs."""

import json
import re
from pathlib import Path

from aptfreeze.environment.config import Surroundings
from aptfreeze.environment.opened import open_environment
from aptfreeze.rows import ROWS
from aptfreeze.settings import Settings
from aptfreeze.verbs.config import data, lines


def settings(folder: Path, text: str = "", **environ: str) -> Settings:
    (folder / "aptfreeze.toml").write_text(text)
    surroundings = Surroundings({"HOME": "/home/me", **environ}, folder)
    return open_environment("aptfreeze config", surroundings, {"offline": True}).settings


def test_each_line_tells_key_value_origin_and_meaning(tmp_path: Path) -> None:
    found = {
        line.split(" = ")[0]: line for line in lines(settings(tmp_path, "[fetch]\nretries = 7", APTFREEZE_LOCKED="1"))
    }

    assert found.keys() == {row.key for row in ROWS}
    assert re.fullmatch(
        "fetch.retries = 7 +# aptfreeze.toml: further attempts after a passing failure", found["fetch.retries"]
    )
    assert "# APTFREEZE_LOCKED: " in found["locked"]
    assert "# --offline: " in found["offline"]
    assert 'archive.path = "/home/me/.local/share/aptfreeze"' in found["archive.path"]
    assert "# default: " in found["archive.path"]


def test_origins_stand_below_each_other_whatever_one_long_value_does(tmp_path: Path) -> None:
    suites = [f"mirror{number}.example.org/debian bookworm" for number in range(9)]
    found = list(lines(settings(tmp_path, f"[trust]\nunsigned = {json.dumps(suites)}")))

    assert len({line.index("  # ") for line in found if len(line) < 200 and "unsigned" not in line}) <= 2
    assert max(line.index("# ") for line in found if "unsigned" not in line) < 100


def test_as_data_every_setting_has_value_origin_flag_and_variable(tmp_path: Path) -> None:
    found = json.loads(json.dumps(data(settings(tmp_path, '[trust]\nkeyrings = ["vendor.asc"]'))))

    assert list(found) == [row.key for row in ROWS]
    assert found["trust.keyrings"]["value"] == [str(tmp_path / "vendor.asc")]
    assert found["trust.keyrings"]["origin"] == "aptfreeze.toml"
    assert (found["offline"]["value"], found["offline"]["flag"]) == (True, "--offline")
    assert found["archive.path"]["variable"] == "APTFREEZE_ARCHIVE"
    assert found["fetch.depth"]["variable"] is None
