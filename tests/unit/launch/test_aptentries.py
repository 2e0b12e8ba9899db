# SPDX-License-Identifier: MIT
"""What apt says of its sources."""

import os
from pathlib import Path

from aptfreeze.launch.aptentries import Entry, parse_entries, read_entries


def test_each_suite_is_told_once_and_other_files_are_none() -> None:
    line = "'http://mirror.example.org/debian/dists/bookworm/updates/InRelease' mirror.example.org_x_InRelease 0 \n"
    index = "'http://mirror.example.org/debian/dists/bookworm/main/binary-amd64/Packages.xz' x 0 \n"
    flat = "'file:/srv/debs/./InRelease' _srv_debs_._InRelease 0 \n'http://a.example.org/debs/InRelease' x 0 "
    found = parse_entries(f"{line}{index}{line}nonsense\n{flat}")
    assert found == (
        Entry("http://mirror.example.org/debian", "bookworm/updates"),
        Entry("file:/srv/debs", "./"),
        Entry("http://a.example.org/debs", "./"),
    )
    assert [each.method for each in found] == ["http", "file", "http"]


def test_without_apt_there_are_none() -> None:
    assert read_entries({"PATH": "/nowhere"}) == ()


def test_the_machine_s_apt_tells_what_its_sources_say(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    sources = tmp_path / "sources.list"
    sources.write_text(
        "deb [signed-by=/k.gpg] https://mirror.example.org/debian bookworm main contrib\n"
        "deb-src [signed-by=/k.gpg] https://mirror.example.org/debian bookworm main\n"
        "deb [trusted=yes] file:/srv/debs ./\n"
    )
    configuration = tmp_path / "apt.conf"
    configuration.write_text(
        f'Dir "{tmp_path}";\nDir::State::status "/dev/null";\nDir::Etc::main "/dev/null";\n'
        f'Dir::Etc::parts "{tmp_path}/empty";\nDir::Etc::sourceparts "{tmp_path}/empty";\n'
        f'Dir::Etc::sourcelist "{sources}";\n'
    )
    found = read_entries({"PATH": os.environ["PATH"], "APT_CONFIG": str(configuration)})
    assert set(found) == {Entry("https://mirror.example.org/debian", "bookworm"), Entry("file:/srv/debs", "./")}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["apt.conf", "empty", "sources.list"]
