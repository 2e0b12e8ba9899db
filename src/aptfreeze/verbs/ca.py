# SPDX-License-Identifier: MIT
"""`aptfreeze ca`: the authority that https is served frozen with, and how clients are told to trust it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aptfreeze.environment import files
from aptfreeze.environment.authorities import authority_file, obtain_authority
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import UsageError
from aptfreeze.values import immutable

STORE = Path("/usr/local/share/ca-certificates")
"""Where Debian's update-ca-certificates(8) takes certificates of the machine's own from."""
_NAME = "aptfreeze.crt"
_UPDATE = "update-ca-certificates"


@immutable
class Given:
    """The authority, as it was asked for."""

    fingerprint: str
    """SHA-256 of the certificate."""
    certificate: str
    """PEM."""
    private_file: Path
    only_for: tuple[str, ...]
    """The hosts that it can sign for; empty: all."""
    file: Path | None
    """Where the certificate was written to, absolute; None: nowhere."""


def ca(opened: Opened, *, out: Path | None = None) -> Given:
    """The authority, made if need be; its certificate is written to `out` if given. UsageError."""
    if out is not None:
        files.check_deliverable(out)
    settings = opened.settings.intercept
    found = obtain_authority(settings, opened.process)
    if out is not None:
        files.deliver(out, found.certificate)
    return Given(
        found.fingerprint,
        found.certificate.decode(),
        authority_file(settings),
        settings.certificates_for,
        None if out is None else out.absolute(),
    )


def install(opened: Opened, store: Path = STORE) -> Given:
    """The same, and all programs of this machine that ask Debian's store trust it from now on. UsageError."""
    if os.geteuid() != 0 and not os.access(store, os.W_OK):
        raise UsageError(
            f"{store} belongs to root",
            hint=f"sudo cp FILE {store}/{_NAME} && sudo {_UPDATE}, with FILE from: aptfreeze ca --out FILE",
        )
    _refuse_foreign(opened)
    files.make_folder(store)
    given = ca(opened, out=store / _NAME)
    (store / _NAME).chmod(0o644)  # whatever the umask: /etc/ssl/certs leads there, and everybody reads it
    try:
        done = subprocess.run([_UPDATE], capture_output=True, text=True, check=False)
    except OSError as error:
        raise UsageError(
            f"cannot run {_UPDATE}: {error.strerror}", hint="apt-get install ca-certificates, then again"
        ) from error
    if done.returncode != 0:
        raise UsageError(f"{_UPDATE} failed with status {done.returncode}: {done.stderr.strip()}")
    return given


def _refuse_foreign(opened: Opened) -> None:
    """Whoever gave away an environment with its authority can be every https server to who installs it."""
    file = authority_file(opened.settings.intercept).resolve()
    is_named = opened.settings.values["tls.authority"].origin == opened.environment.config_file.name
    if is_named and file.is_relative_to(opened.environment.root.resolve()):
        raise UsageError(
            f"{file} lies in the environment's folder: who else has that has the key, too",
            hint="let [tls] authority name a file elsewhere, or none",
        )


def data(given: Given) -> dict[str, Any]:
    """For `--json`."""
    return {
        "fingerprint": given.fingerprint,
        "certificate": given.certificate,
        "private_file": str(given.private_file),
        "only_for": list(given.only_for),
        "file": None if given.file is None else str(given.file),
    }


def lines(given: Given) -> Iterator[str]:
    """What a person does with it."""
    yield f"authority {given.fingerprint}; its private half is {given.private_file}"
    yield f"it can sign for {', '.join(given.only_for)} only" if given.only_for else "it can sign for every host"
    yield f"written to {given.file}" if given.file else "to use it, put it into a file (--out FILE); then"
    name = given.file or Path("aptfreeze.pem")
    yield "run tells apt by itself. Other clients of this machine, as root:"
    yield f"  cp {name} {STORE}/{_NAME} && {_UPDATE}"
    yield "a chroot, as root:"
    yield f"  cp {name} CHROOT{STORE}/{_NAME} && chroot CHROOT {_UPDATE}"
    yield "a Dockerfile, for the time of the build:"
    mount, option = f"--mount=type=bind,source={name.name},target=/ca.pem", "-o Acquire::https::CAInfo=/ca.pem"
    yield f"  RUN {mount} apt-get {option} update"
