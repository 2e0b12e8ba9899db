# SPDX-License-Identifier: MIT
"""The certificate of the authority, for clients; never its private half."""

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from aptfreeze.environment.config import Surroundings
from aptfreeze.environment.opened import Opened, open_environment
from aptfreeze.errors import UsageError
from aptfreeze.trust.authority import Authority
from aptfreeze.verbs.ca import ca, data, install, lines

_REAL = "update-ca-certificates"


def opened(folder: Path, text: str = "") -> Opened:
    (folder / "aptfreeze.toml").write_text(text)
    return open_environment("aptfreeze ca", Surroundings({"HOME": str(folder)}, folder), {})


def test_it_is_the_public_half_of_what_is_kept_and_the_same_each_time(tmp_path: Path) -> None:
    given = ca(opened(tmp_path), out=tmp_path / "out.pem")
    kept = Authority.parse((tmp_path / ".config/aptfreeze/authority.pem").read_bytes())
    assert (tmp_path / "out.pem").read_bytes() == kept.certificate == given.certificate.encode()
    assert given.private_file == tmp_path / ".config/aptfreeze/authority.pem"
    assert data(ca(opened(tmp_path))) == data(given) | {"file": None}
    assert "PRIVATE" not in json.dumps(data(given)) + "".join(lines(given))


def test_with_names_it_is_another_one_which_says_so(tmp_path: Path) -> None:
    narrow = ca(opened(tmp_path, '[tls]\ncertificates_for = ["mirror.example.org"]'))
    assert narrow.fingerprint != ca(opened(tmp_path)).fingerprint
    assert "it can sign for mirror.example.org only" in list(lines(narrow))
    assert data(narrow)["only_for"] == ["mirror.example.org"]


def test_to_install_it_the_machine_s_own_program_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    program = tools / "update-ca-certificates"
    program.write_text(f"#!/bin/sh\ncp {tmp_path}/store/aptfreeze.crt {tmp_path}/seen\n")
    program.chmod(0o755)
    (tmp_path / "store").mkdir()
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    given = install(opened(tmp_path), tmp_path / "store")
    assert (tmp_path / "seen").read_text() == given.certificate
    program.write_text("#!/bin/sh\necho broken >&2; exit 3\n")
    with pytest.raises(UsageError, match="status 3: broken"):
        install(opened(tmp_path), tmp_path / "store")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="cannot run update-ca-certificates"):
        install(opened(tmp_path), tmp_path / "store")


@pytest.mark.skipif(shutil.which(_REAL) is None, reason="needs ca-certificates")
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_debians_own_program_takes_it_so_that_everybody_can_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, umask: int
) -> None:
    store, certs, tools = (tmp_path / name for name in ("store", "certs", "tools"))
    for folder in (store, certs, tools, tmp_path / "none"):
        folder.mkdir()
    (tmp_path / "conf").write_text("# nobody\n")
    places = f"--localcertsdir {store} --etccertsdir {certs} --certsdir {tmp_path}/none --hooksdir {tmp_path}/none"
    program = tools / "update-ca-certificates"
    program.write_text(f"#!/bin/sh\nexec {shutil.which(_REAL)} {places} --certsconf {tmp_path}/conf\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    before = os.umask(umask)
    try:
        given = install(opened(tmp_path), store)
    finally:
        os.umask(before)
    assert (certs / "ca-certificates.crt").read_text() == given.certificate
    (by_hash,) = certs.glob("????????.0")  # as OpenSSL looks for it
    assert by_hash.read_text() == given.certificate
    assert stat.S_IMODE(by_hash.stat().st_mode) == 0o644


def test_an_authority_that_came_with_the_environment_is_not_installed(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "aptfreeze.toml").write_text('[tls]\nauthority = "keys/ca.pem"')
    foreign = open_environment("aptfreeze ca", Surroundings({"HOME": str(tmp_path)}, project), {})
    with pytest.raises(UsageError, match=r"keys/ca\.pem lies in the environment's folder"):
        install(foreign, tmp_path)
    assert not (tmp_path / "aptfreeze.crt").exists()
