# SPDX-License-Identifier: MIT
"""The public key for clients, and never the private one."""

import json
from pathlib import Path

import pytest

from aptfreeze.environment.config import Surroundings
from aptfreeze.environment.opened import Opened, open_environment
from aptfreeze.errors import UsageError
from aptfreeze.trust.armor import dearmored
from aptfreeze.trust.keyring import Keyring
from aptfreeze.trust.signing import SigningKey
from aptfreeze.verbs.key import Format, data, key, lines


def opened(folder: Path, text: str = "resign = true") -> Opened:
    (folder / "aptfreeze.toml").write_text(text)
    return open_environment("aptfreeze key", Surroundings({"HOME": "/"}, folder), {})


def kept(folder: Path) -> SigningKey:
    return SigningKey.parse((folder / ".aptfreeze/resign.key").read_bytes())


def test_it_is_the_public_half_of_the_key_that_is_kept(tmp_path: Path) -> None:
    given = key(opened(tmp_path))

    assert given.content == kept(tmp_path).armored
    assert Keyring.parse("given", given.content).certificates[0].primary.public.fingerprint == given.fingerprint
    assert given.private_file == tmp_path / ".aptfreeze/resign.key"


@pytest.mark.parametrize(
    ("out", "form", "is_binary"),
    [
        ("key.gpg", None, True),
        ("key.asc", None, False),
        ("key", None, False),
        ("key", Format.BINARY, True),
        ("key.gpg", Format.ARMORED, False),
    ],
)
def test_a_file_gets_the_form_that_its_name_promises_or_that_was_asked(
    tmp_path: Path, out: str, form: Format | None, is_binary: bool
) -> None:
    given = key(opened(tmp_path), out=tmp_path / out, form=form)

    assert (tmp_path / out).read_bytes() == given.content
    assert (given.content == kept(tmp_path).certificate) == is_binary
    assert dearmored(given.content, "PUBLIC KEY BLOCK") == kept(tmp_path).certificate


def test_the_lines_name_the_file(tmp_path: Path) -> None:
    told = "\n".join(lines(key(opened(tmp_path), out=tmp_path / "key.gpg")))

    assert f"deb [signed-by={tmp_path}/key.gpg] http://" in told
    assert f"Signed-By: {tmp_path}/key.gpg" in told
    assert f"mmdebstrap --keyring={tmp_path}/key.gpg" in told
    assert "a source line whose signed-by names the archive's own key fails" in told
    assert "binary keyrings only" not in told


def test_without_a_file_they_name_a_place_that_apt_knows(tmp_path: Path) -> None:
    told = "\n".join(lines(key(opened(tmp_path))))
    assert "Signed-By: /etc/apt/keyrings/aptfreeze.asc" in told
    assert "binary keyrings only" in told
    assert "/etc/apt/keyrings/aptfreeze.gpg" in "\n".join(lines(key(opened(tmp_path), form=Format.BINARY)))


def test_as_data(tmp_path: Path) -> None:
    found = json.loads(json.dumps(data(key(opened(tmp_path)))))

    assert found["public_key"].encode() == kept(tmp_path).armored
    assert (found["file"], found["private_file"]) == (None, str(tmp_path / ".aptfreeze/resign.key"))
    assert "PRIVATE" not in json.dumps(found)


def test_a_key_of_others_is_named(tmp_path: Path) -> None:
    team = tmp_path / "team.key"
    team.write_bytes(SigningKey.generate("team").private)
    team.chmod(0o600)

    assert key(opened(tmp_path, 'resign = true\nresign_key = "team.key"')).private_file == team


def test_where_nothing_is_signed_anew_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        key(opened(tmp_path, ""))
    assert f"write resign = true into {tmp_path}/aptfreeze.toml" in (caught.value.hint or "")
    assert not (tmp_path / ".aptfreeze").exists()


def test_a_file_that_cannot_be_written_is_told_before_a_key_is_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        key(opened(tmp_path), out=tmp_path / "missing/key.gpg")
    assert not (tmp_path / ".aptfreeze").exists()
