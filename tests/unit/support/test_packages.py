# SPDX-License-Identifier: MIT
"""The packages that the tests write are packages for dpkg too."""

import subprocess
from pathlib import Path

from support.packages import Binary, Source


def _field(package: Path, name: str) -> str:
    done = subprocess.run(["dpkg-deb", "--field", package, name], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_dpkg_reads_and_unpacks_a_package(tmp_path: Path) -> None:
    package = tmp_path / "hello.deb"
    package.write_bytes(Binary("hello", "2:1.0+b1", size=5001, fields={"Depends": "libc6"}).build())

    subprocess.run(["dpkg-deb", "--extract", package, tmp_path / "root"], check=True)

    assert _field(package, "Version") == "2:1.0+b1"
    assert _field(package, "Depends") == "libc6"
    assert (tmp_path / "root/usr/share/hello/payload").stat().st_size == 5001


def test_equal_arguments_give_equal_bytes_and_a_salt_other_bytes_of_equal_size() -> None:
    package, again = Binary("hello", "1.0").build(), Binary("hello", "1.0").build()
    republished = Binary("hello", "1.0", salt="again").build()

    assert package == again
    assert package != republished
    assert len(package) == len(republished)


def test_names_are_those_of_debians_pool() -> None:
    assert Binary("g++", "4:12.2~rc1-3").path == "pool/main/g/g++/g++_12.2~rc1-3_amd64.deb"
    assert Binary("libfoo1", "1", fields={"Source": "libfoo (1.0)"}).path == "pool/main/libf/libfoo/libfoo1_1_amd64.deb"
    assert Binary("disk", "1", udeb=True).path == "pool/main/d/disk/disk_1_amd64.udeb"
    assert Binary("fw", "1", architecture="all", component="non-free").path == "pool/non-free/f/fw/fw_1_all.deb"


def test_dpkg_source_unpacks_a_source_package(tmp_path: Path) -> None:
    for name, data in Source("hello", "1.0").build().items():
        (tmp_path / name).write_bytes(data)

    command = ["dpkg-source", "--extract", "hello_1.0.dsc"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=60)

    assert (tmp_path / "hello-1.0/payload").stat().st_size > 0
