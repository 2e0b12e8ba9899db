# SPDX-License-Identifier: MIT
"""Files that a Release lists and the mirror lacks: derived where that is possible, else 404 for ever."""

import lzma

import pytest

from support.apt import Apt
from support.aptfreeze import Aptfreeze, Serving
from support.build import build
from support.client import ask
from support.origin import Origin
from support.packages import hexdigest
from support.repository import MakeRepository, Repository


@pytest.mark.parametrize("stored", [(".xz",), (".gz",), (".bz2",)], ids=str)
def test_an_uncompressed_index_is_derived_from_a_compressed_one(
    make_repository: MakeRepository, client: Apt, frozen: Serving, stored: tuple[str, ...]
) -> None:
    repository = make_repository(listed=("", *stored), stored=stored)
    repository.add("hello", "1.0")
    repository.publish()
    client.add(repository)
    client.update().ok()
    folder = f"{repository.url}/dists/bookworm/main/binary-amd64"

    # what wget, and with it debootstrap, may ask
    plain = ask(frozen.proxy, f"{folder}/Packages", user_agent="Wget/1.21.3")
    by_hash = ask(frozen.proxy, f"{folder}/by-hash/SHA256/{hexdigest('SHA256', plain.body)}")

    assert plain.status == by_hash.status == 200
    assert plain.body == by_hash.body
    assert plain.body.startswith(b"Package: hello\n")


def test_what_no_mirror_has_is_404_and_stays_so(
    repository: Repository, aptfreeze: Aptfreeze, apt: Apt, origin: Origin
) -> None:
    repository.indexes["main/Contents-amd64"] = b"usr/bin/hello misc/hello\n"
    repository.publish()
    contents = repository.suite_folder / "main/Contents-amd64.xz"
    kept = contents.read_bytes()
    for file in repository.root.rglob("*"):
        if file.is_file() and b"usr/bin/hello" in _unpacked(file.read_bytes()):
            file.unlink()
    url = f"{repository.url}/dists/bookworm/main/Contents-amd64.xz"
    with aptfreeze.serve() as frozen:
        apt.use_proxy(frozen.proxy)
        build(apt, repository)
        assert ask(frozen.proxy, url).status == 404

        contents.write_bytes(kept)
        origin.forget()
        assert ask(frozen.proxy, url).status == 404

    with aptfreeze.serve("--offline") as offline:
        assert ask(offline.proxy, url).status == 404
    assert origin.asked() == []


def test_a_file_that_the_release_does_not_list_is_404_whatever_the_mirror_has(
    repository: Repository, client: Apt, frozen: Serving, origin: Origin
) -> None:
    (repository.suite_folder / "unlisted").write_bytes(b"there")
    build(client, repository)
    origin.forget()

    answer = ask(frozen.proxy, f"{repository.url}/dists/bookworm/unlisted")

    assert answer.status == 404
    assert "unlisted" in answer.text
    assert origin.asked() == []


def test_optional_files_come_on_demand(repository: Repository, client: Apt, origin: Origin) -> None:
    repository.indexes["main/dep11/Components-amd64.yml"] = b"File: DEP-11\n"
    repository.indexes["main/Contents-amd64"] = b"usr/bin/hello misc/hello\n"
    repository.publish()
    client.set("Acquire::Languages", "en")
    client.set("Acquire::IndexTargets::deb::Contents-deb::MetaKey", "$(COMPONENT)/Contents-$(ARCHITECTURE)")
    client.set("Acquire::IndexTargets::deb::Contents-deb::Description", "$(RELEASE)/$(COMPONENT) Contents")
    client.set("Acquire::IndexTargets::deb::DEP-11::MetaKey", "$(COMPONENT)/dep11/Components-$(ARCHITECTURE).yml")
    client.set("Acquire::IndexTargets::deb::DEP-11::Description", "$(RELEASE)/$(COMPONENT) DEP-11")

    build(client, repository)

    lists = [file.name for file in client.lists.iterdir()]
    for name in ("Translation-en", "Contents-amd64", "Components-amd64.yml"):
        assert any(file.partition(".xz")[0].endswith(name) for file in lists), lists
    assert origin.count("*/i18n/by-hash/*") == 1
    assert origin.count("*/dep11/by-hash/*") == 1


def _unpacked(data: bytes) -> bytes:
    return lzma.decompress(data) if data.startswith(b"\xfd7zXZ") else data
