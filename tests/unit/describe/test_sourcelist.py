# SPDX-License-Identifier: MIT
"""The apt sources of an export; that apt takes them, tests/apt/test_export.py shows."""

import subprocess
from pathlib import Path

import pytest

from aptfreeze.describe.sourcelist import Entry, keyring_name, readme, script, template
from aptfreeze.freeze.generation import SuiteKey

BOOKWORM = SuiteKey("mirror.example.org/debian", "bookworm")
FLAT = SuiteKey("vendor.example.org:8080/a_b/c d", "./")


def sources(folder: Path, *entries: Entry, arguments: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    (folder / "aptfreeze.sources").write_text(template(entries))
    (folder / "sources").write_text(script)
    return subprocess.run(["sh", str(folder / "sources"), *arguments], capture_output=True, text=True)


def test_an_entry_has_what_is_in_the_export_and_the_place_where_it_lies(tmp_path: Path) -> None:
    entry = Entry(BOOKWORM, ("contrib", "main"), ("amd64", "i386"), has_sources=True, keyring="keyrings/x.gpg")

    assert sources(tmp_path, entry).stdout.split("\n\n")[1] == (
        "# mirror.example.org/debian bookworm\n"
        "Types: deb deb-src\n"
        f"URIs: file:{tmp_path}/repositories/mirror.example.org/debian\n"
        "Suites: bookworm\n"
        "Components: contrib main\n"
        "Architectures: amd64 i386\n"
        f"Signed-By: {tmp_path}/keyrings/x.gpg\n"
        "Check-Valid-Until: no\n"
        "Check-Date: no\n"
    )


def test_a_flat_suite_that_nobody_has_signed(tmp_path: Path) -> None:
    told = sources(tmp_path, Entry(FLAT, is_signed=False)).stdout

    assert f"URIs: file:{tmp_path}/repositories/vendor.example.org:8080/a_b/c%20d\nSuites: ./\n# nobody" in told
    assert "\nTrusted: yes\n" in told
    assert "Components" not in told
    assert "Signed-By" not in told


def test_a_web_server_s_address_is_for_the_packages_and_not_for_the_keys(tmp_path: Path) -> None:
    entry = Entry(BOOKWORM, ("main",), keyring="keyrings/x.gpg")

    told = sources(tmp_path, entry, arguments=("http://host:8080/release%201",)).stdout

    assert "URIs: http://host:8080/release%201/repositories/mirror.example.org/debian\n" in told
    assert f"Signed-By: {tmp_path}/keyrings/x.gpg\n" in told


@pytest.mark.parametrize("name", ["a b", "a:b", "a|b", "a&b"])
def test_a_folder_that_apt_cannot_take_is_told(tmp_path: Path, name: str) -> None:
    done = sources(tmp_path / name, Entry(BOOKWORM))

    assert (done.returncode, done.stdout) == (1, "")
    assert "special characters" in done.stderr


def test_an_address_that_apt_cannot_take_is_told(tmp_path: Path) -> None:
    done = sources(tmp_path, Entry(BOOKWORM), arguments=("http://host/a b",))

    assert (done.returncode, done.stdout) == (1, "")


def test_keyrings_have_names_of_their_own_that_gnupg_takes() -> None:
    keys = [
        BOOKWORM,
        FLAT,
        SuiteKey("a/b_c", "d"),
        SuiteKey("a/b", "c_d"),
        SuiteKey("a/b/c", "d"),
        SuiteKey("a:1", "b"),
    ]
    names = [keyring_name(key) for key in keys]

    assert names[0] == "mirror.example.org_debian_bookworm.gpg"
    assert len(set(names)) == len(names)
    assert not set("".join(names)) & set(":/ ")


def test_a_person_is_told_what_it_is() -> None:
    told = readme("4f1c", "sha256:9f86", "bookworm")

    assert "generation 4f1c\n" in told
    assert "mmdebstrap bookworm image.tar" in told
    assert max(map(len, told.splitlines())) < 80
