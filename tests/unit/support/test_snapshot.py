# SPDX-License-Identifier: MIT
"""The tests' snapshot service does what the real one is known to do."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.faults import Status
from support.snapshot import SnapshotService

AT = datetime(2026, 11, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[SnapshotService]:
    folder = tmp_path / "repository"
    for name in ("pool/x_1_amd64.deb", "pool/x_1.dsc", "dists/sid/by-hash/SHA256/x"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    with SnapshotService(tmp_path / "service") as service:
        service.keep("debian", folder, AT)
        (folder / "pool/x_1_amd64.deb").unlink()
        service.keep("debian", folder, AT + 2 * HOUR)
        yield service


def get(service: SnapshotService, path: str) -> tuple[str, bytes]:
    with urllib.request.urlopen(service.url + path) as response:
        return response.url.removeprefix(service.url), response.read()


def asked(service: SnapshotService, path: str) -> Any:
    return json.loads(get(service, path)[1])


def test_a_time_between_two_states_leads_to_the_earlier_one(service: SnapshotService) -> None:
    kept = ("/archive/debian/20261101T100000Z/pool/x_1_amd64.deb", b"pool/x_1_amd64.deb")
    assert get(service, "/archive/debian/20261101T110000Z/pool/x_1_amd64.deb") == kept
    assert get(service, "/archive/debian/20261101T100000Z/pool/x_1_amd64.deb") == kept


@pytest.mark.parametrize(
    "path",
    [
        "20261101T090000Z/pool/x_1.dsc",
        "20261101T130000Z/pool/x_1_amd64.deb",
        "20261101T100000Z/dists/sid/by-hash/SHA256/x",
    ],
)
def test_nothing_is_there_before_the_first_state_nor_what_is_not_in_it(service: SnapshotService, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(service, f"/archive/debian/{path}")


def test_the_api_tells_states_and_files(service: SnapshotService) -> None:
    answer = asked(service, "/mr/timestamp/?archive=debian&after=20261101T100000Z")
    assert answer["result"] == {"debian": ["20261101T120000Z"]}
    binary = asked(service, "/mr/binary/x/1/binfiles?fileinfo=1")
    ((sha1, (info,)),) = binary["fileinfo"].items()
    assert binary["result"] == [{"hash": sha1}]
    assert (info["name"], info["archive_name"], info["path"], info["size"]) == ("x_1_amd64.deb", "debian", "/pool", 18)
    assert get(service, f"/file/{sha1}")[1] == b"pool/x_1_amd64.deb"
    assert [each["name"] for (each,) in asked(service, "/mr/package/x/1/srcfiles?fileinfo=1")["fileinfo"].values()] == [
        "x_1.dsc"
    ]


def test_faults_act_on_all_of_it(service: SnapshotService) -> None:
    service.inject("/mr/*", Status(429), times=1)
    service.inject("/archive/*", Status(503), times=1)
    for path in ("/mr/timestamp/?archive=debian", "/archive/debian/20261101T110000Z/pool/x_1.dsc"):
        with pytest.raises(urllib.error.HTTPError, match=r"429|503"):
            get(service, path)
        get(service, path)
