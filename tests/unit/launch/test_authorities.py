# SPDX-License-Identifier: MIT
"""One file of all whom apt trusts by https."""

from pathlib import Path

from aptfreeze.fetch.aptread import Option
from aptfreeze.launch.authorities import ca_options, write_authorities


def test_those_that_apt_is_told_of_and_ours_stand_in_one_file(tmp_path: Path) -> None:
    (tmp_path / "company.pem").write_bytes(b"company")
    own = [
        Option("Acquire::https::CAInfo", str(tmp_path / "company.pem")),
        Option("Acquire::https::CAInfo::mirror.example.org", str(tmp_path / "missing.pem")),
    ]
    write_authorities(tmp_path / "all.pem", b"ours", own)
    written = (tmp_path / "all.pem").read_bytes()
    assert written.startswith(b"ours\ncompany")


def test_every_option_that_names_another_file_is_known() -> None:
    names = (
        "Acquire::https::CAInfo",
        "acquire::HTTPS::cainfo",
        "Acquire::https::CAInfo::mirror.example.org",
        "Acquire::https::mirror.example.org::CAInfo",
        "Binary::apt-get::Acquire::https::CAInfo",
    )
    others = ("Acquire::http::CAInfo", "Acquire::https::CAPath", "Acquire::https::Verify-Peer")
    own = [Option(name, "/a.pem") for name in (*names, *others)]
    assert [option.name for option in ca_options(own)] == list(names)
    assert ca_options([Option("Acquire::https::CAInfo", "")]) == []
