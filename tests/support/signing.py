# SPDX-License-Identifier: MIT
"""Throw-away OpenPGP keys, made by the machine's gpg in a folder of their own.

A key needs about 0.1 s to make and a signature about 20 ms; the tests share one key for a whole session.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair without passphrase."""

    home: Path
    fingerprint: str
    """Of the primary key, upper-case hex."""
    keyring: Path
    """The public key in binary form, fit for `signed-by` and for `[trust] keyrings`."""
    armored: Path
    """The public key in ASCII armour."""
    options: tuple[str, ...] = ()
    """For gpg, whenever it signs."""

    def clearsign(self, data: bytes) -> bytes:
        """What an archive publishes as InRelease."""
        return self._signed("--clearsign", data)

    def detached(self, data: bytes) -> bytes:
        """What an archive publishes as Release.gpg."""
        return self._signed("--detach-sign", data)

    def _signed(self, how: str, data: bytes) -> bytes:
        return _gpg(self.home, *self.options, "--armor", "--local-user", self.fingerprint, how, stdin=data)


@contextmanager
def throwaway_key(name: str = "Test Archive", *options: str, lives: str = "never") -> Iterator[SigningKey]:
    """A new ed25519 key. Its agent ends with the context.

    `options` go to gpg (`--faked-system-time=...`), now and when it signs.

    `lives` is how long it is good, in gpg's words: `1y`.
    """
    # gpg-agent's socket lies in this folder, and a socket's path must be short
    with tempfile.TemporaryDirectory(prefix="key-") as folder:
        home = Path(folder)
        home.chmod(0o700)
        try:
            yield _generate(home, name, options, lives)
        finally:
            subprocess.run(["gpgconf", "--homedir", folder, "--kill", "gpg-agent"], check=True, timeout=30)


def _generate(home: Path, name: str, options: tuple[str, ...], lives: str) -> SigningKey:
    about = [f"{name} <archive@example.org>", "ed25519", "sign", lives]
    _gpg(home, *options, "--passphrase", "", "--quick-generate-key", *about)
    listing = _gpg(home, "--list-keys", "--with-colons").decode()
    fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))
    keyring, armored = home / "archive-keyring.gpg", home / "archive-keyring.asc"
    keyring.write_bytes(_gpg(home, "--export", fingerprint))
    armored.write_bytes(_gpg(home, "--armor", "--export", fingerprint))
    return SigningKey(home, fingerprint, keyring, armored, options)


def _gpg(home: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--no-tty", "--digest-algo", "SHA512", *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=60)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.decode()}"
    return done.stdout
