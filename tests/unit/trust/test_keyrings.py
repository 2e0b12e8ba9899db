# SPDX-License-Identifier: MIT
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import pytest

from aptfreeze.errors import UsageError
from aptfreeze.settings import TrustSettings
from aptfreeze.trust.keyring import Keyring
from aptfreeze.trust.keyrings import MAX_KEYRING, keyrings_for
from support.gpg import Gpg, gpg_home

DEBIAN = "mirror.example.org/debian"
NOTHING_CONFIGURED = TrustSettings()


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    with gpg_home() as home:
        yield home


@pytest.fixture(scope="module")
def key(gpg: Gpg) -> bytes:
    return gpg.export(gpg.new_key("anna"))


def place(root: Path, name: str, data: bytes) -> Path:
    path = root / name.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def names(keyrings: tuple[Keyring, ...], root: Path) -> list[str]:
    return [keyring.name.removeprefix(str(root)) for keyring in keyrings]


def test_system_has_nothing(tmp_path: Path) -> None:
    assert keyrings_for(DEBIAN, NOTHING_CONFIGURED, tmp_path) == ()


def test_places_where_apt_and_image_builders_look(tmp_path: Path, key: bytes) -> None:
    counted = [
        "/etc/apt/trusted.gpg",
        "/etc/apt/trusted.gpg.d/a.gpg",
        "/etc/apt/trusted.gpg.d/b.asc",
        "/etc/apt/keyrings/vendor.gpg",
        "/usr/share/keyrings/debian-archive-keyring.gpg",
        "/usr/share/keyrings/other-archive-keyring.pgp",
    ]
    left_out = [
        "/etc/apt/trusted.gpg.d/a.gpg~",
        "/etc/apt/trusted.gpg.d/.hidden.gpg",
        "/etc/apt/keyrings/README",
        "/etc/apt/keyrings/old-removed-keys.gpg",
        "/usr/share/keyrings/debian-archive-removed-keys.gpg",
        "/usr/share/keyrings/debian-keyring.gpg",
        "/usr/share/keyrings/debian-maintainers.gpg",
    ]
    for name in counted + left_out:
        place(tmp_path, name, key)
    assert names(keyrings_for(DEBIAN, NOTHING_CONFIGURED, tmp_path), tmp_path) == counted


def test_signed_by_of_the_machines_sources_comes_first_and_for_its_repository_only(tmp_path: Path, key: bytes) -> None:
    place(tmp_path, "/etc/apt/trusted.gpg", key)
    place(tmp_path, "/opt/one.gpg", key)
    place(tmp_path, "/opt/two.gpg", key)
    place(tmp_path, "/etc/apt/sources.list", f"deb [signed-by=/opt/one.gpg] http://{DEBIAN} stable main\n".encode())
    place(
        tmp_path,
        "/etc/apt/sources.list.d/debian.sources",
        f"Types: deb\nURIs: http://{DEBIAN}\nSuites: stable\nSigned-By: /opt/two.gpg\n".encode(),
    )
    place(tmp_path, "/etc/apt/sources.list.d/off.disabled", b"deb [signed-by=/opt/x.gpg] http://x.example.org x main")
    found = keyrings_for(DEBIAN, NOTHING_CONFIGURED, tmp_path)
    assert names(found, tmp_path) == ["/opt/one.gpg", "/opt/two.gpg", "/etc/apt/trusted.gpg"]
    others = keyrings_for("vendor.example.org/debian", NOTHING_CONFIGURED, tmp_path)
    assert names(others, tmp_path) == ["/etc/apt/trusted.gpg"]


def test_key_inside_a_sources_entry(tmp_path: Path, gpg: Gpg) -> None:
    fingerprint = gpg.new_key("inline")
    lines = gpg.export(fingerprint, armor=True).decode().splitlines()
    inline = "".join(f" {line or '.'}\n" for line in lines)
    entry = f"Types: deb\nURIs: http://{DEBIAN}\nSuites: stable\nSigned-By:\n{inline}"
    place(tmp_path, "/etc/apt/sources.list.d/debian.sources", entry.encode())
    [keyring] = keyrings_for(DEBIAN, NOTHING_CONFIGURED, tmp_path)
    assert [certificate.primary.public.fingerprint for certificate in keyring.certificates] == [fingerprint]
    assert "Signed-By" in keyring.name


def test_key_inside_a_sources_entry_that_is_broken(tmp_path: Path, key: bytes) -> None:
    begin, end = "-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----"
    entry = f"Types: deb\nURIs: http://{DEBIAN}\nSuites: stable\nSigned-By:\n {begin}\n .\n xxxx\n {end}\n"
    place(tmp_path, "/etc/apt/sources.list.d/debian.sources", entry.encode())
    place(tmp_path, "/etc/apt/trusted.gpg", key)
    assert names(keyrings_for(DEBIAN, NOTHING_CONFIGURED, tmp_path), tmp_path) == ["/etc/apt/trusted.gpg"]


def test_file_that_is_named_twice_or_linked_is_read_once(tmp_path: Path, key: bytes) -> None:
    place(tmp_path, "/usr/share/keyrings/a-archive-keyring.gpg", key)
    (tmp_path / "usr/share/keyrings/a-archive-keyring.pgp").symlink_to("a-archive-keyring.gpg")
    source = f"deb [signed-by=/usr/share/keyrings/a-archive-keyring.gpg] http://{DEBIAN} stable main\n"
    place(tmp_path, "/etc/apt/sources.list", source.encode())
    found = keyrings_for(DEBIAN, NOTHING_CONFIGURED, tmp_path)
    assert names(found, tmp_path) == ["/usr/share/keyrings/a-archive-keyring.gpg"]


def test_unusable_files_of_the_system_are_left_out(tmp_path: Path, key: bytes) -> None:
    place(tmp_path, "/etc/apt/trusted.gpg", b"")
    place(tmp_path, "/etc/apt/trusted.gpg.d/broken.gpg", b"\x99\x01")
    place(tmp_path, "/etc/apt/trusted.gpg.d/fine.gpg", key)
    (tmp_path / "etc/apt/trusted.gpg.d/folder.gpg").mkdir()
    (tmp_path / "etc/apt/trusted.gpg.d/loop.gpg").symlink_to("loop.gpg")
    place(tmp_path, "/etc/apt/sources.list", f"deb [signed-by=/gone.gpg] http://{DEBIAN} stable main\n".encode())
    found = keyrings_for(DEBIAN, NOTHING_CONFIGURED, tmp_path)
    assert names(found, tmp_path) == ["/etc/apt/trusted.gpg.d/fine.gpg"]


def test_configuration_replaces_the_system(tmp_path: Path, key: bytes) -> None:
    place(tmp_path, "/etc/apt/trusted.gpg", key)
    general, special = place(tmp_path, "/general.gpg", key), place(tmp_path, "/special.gpg", key)
    configured = TrustSettings(keyrings=(general,), repository_keyrings=MappingProxyType({DEBIAN: (special,)}))
    assert names(keyrings_for(DEBIAN, configured, tmp_path), tmp_path) == ["/special.gpg"]
    assert names(keyrings_for("vendor.example.org/x", configured, tmp_path), tmp_path) == ["/general.gpg"]


def test_configured_file_that_is_far_too_large(tmp_path: Path) -> None:
    path = tmp_path / "disk.img"
    with path.open("wb") as sparse:
        sparse.truncate(MAX_KEYRING + 1)
    with pytest.raises(UsageError, match="larger than"):
        keyrings_for(DEBIAN, TrustSettings(keyrings=(path,)), tmp_path)


@pytest.mark.parametrize(("content", "why"), [(None, "No such file"), (b"text", "no OpenPGP keyring")])
def test_configured_keyring_that_cannot_be_used(tmp_path: Path, content: bytes | None, why: str) -> None:
    path = tmp_path / "mine.gpg" if content is None else place(tmp_path, "mine.gpg", content)
    with pytest.raises(UsageError, match=f"keyring {path} cannot be used: .*{why}") as caught:
        keyrings_for(DEBIAN, TrustSettings(keyrings=(path,)), tmp_path)
    assert caught.value.hint is not None
    assert "[trust] keyrings" in caught.value.hint
