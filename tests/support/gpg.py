# SPDX-License-Identifier: MIT
"""A GnuPG home of its own for keys of every odd kind: subkeys, expired, revoked, weak, made in other years.

`signing` is for tests that just need a signed repository; this is for those about signatures themselves.
"""

import re
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex


def at(day: str) -> str:
    """The gpg option that sets its clock: `at("20150601")`."""
    return f"--faked-system-time={day}T000000!"


@dataclass(frozen=True, slots=True)
class Gpg:
    """gpg and gpgv with one home folder."""

    home: Path

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        options = ["--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""]
        command = ["gpg", "--homedir", str(self.home), *options, *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=60)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.decode()}"
        return done.stdout

    def new_key(self, name: str, *options: str, kind: str = "ed25519", usage: str = "sign", lives: str = "0") -> str:
        """The fingerprint of a new primary key."""
        user_id = f"{name} <{token_hex(4)}@example.org>"  # gpg makes no second key for the same one
        self.run(*options, "--quick-generate-key", user_id, kind, usage, lives)
        return self._fingerprints(user_id)[0]

    def new_subkey(self, primary: str, *options: str, kind: str = "ed25519", lives: str = "0") -> str:
        """The fingerprint of a new signing subkey."""
        self.run(*options, "--quick-add-key", primary, kind, "sign", lives)
        return self._fingerprints(primary)[-1]

    def _fingerprints(self, key: str) -> list[str]:
        """Of the primary key and of its subkeys."""
        listing = self.run("--list-keys", "--with-colons", key).decode()
        return re.findall(r"^fpr:+([0-9A-F]{40}):", listing, re.M)

    def edit(self, fingerprint: str, *commands: str) -> None:
        """An interactive session on a key."""
        options = ["--no-tty", "--command-fd", "0", "--pinentry-mode", "loopback", "--passphrase", ""]
        command = ["gpg", "--homedir", str(self.home), *options, "--edit-key", fingerprint]
        subprocess.run(command, input="\n".join(commands).encode() + b"\n", capture_output=True, timeout=60, check=True)

    def revoke(self, fingerprint: str) -> None:
        """Applies the revocation that gpg wrote when it made the key."""
        prepared = (self.home / "openpgp-revocs.d" / f"{fingerprint}.rev").read_bytes()
        self.run("--import", stdin=prepared.replace(b":-----BEGIN", b"-----BEGIN"))

    def export(self, *fingerprints: str, armor: bool = False) -> bytes:
        return self.run(*(["--armor"] if armor else []), "--export", *fingerprints)

    def clearsign(self, text: bytes, *fingerprints: str, options: tuple[str, ...] = ()) -> bytes:
        return self.run(*options, *_users(fingerprints), "--clearsign", stdin=text)

    def detach(self, data: bytes, *fingerprints: str, options: tuple[str, ...] = ()) -> bytes:
        """A binary detached signature."""
        return self.run(*options, *_users(fingerprints), "--detach-sign", stdin=data)

    def gpgv_output(self, clearsigned: bytes, keyring: bytes) -> bytes:
        """What `gpgv --output` makes of a clear-signed file."""
        (self.home / "output-keyring.gpg").write_bytes(keyring)
        (self.home / "output-file").write_bytes(clearsigned)
        options = ["--homedir", str(self.home), "--keyring", str(self.home / "output-keyring.gpg"), "--output", "-"]
        command = ["gpgv", *options, str(self.home / "output-file")]
        return subprocess.run(command, capture_output=True, timeout=60, check=True).stdout


def _users(fingerprints: tuple[str, ...]) -> list[str]:
    # With "!" gpg signs with this very key and does not choose a subkey.
    return [word for fingerprint in fingerprints for word in ("--local-user", f"{fingerprint}!")]


def armored(packets: bytes, kind: str = "SIGNATURE") -> bytes:
    """OpenPGP packets in ASCII armour, without the checksum."""
    text = b64encode(packets)
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    return b"\n".join([f"-----BEGIN PGP {kind}-----".encode(), b"", *lines, f"-----END PGP {kind}-----".encode(), b""])


@contextmanager
def gpg_home() -> Iterator[Gpg]:
    """An empty home; its agent ends with the context."""
    # gpg-agent's socket lies in this folder, and a socket's path must be short
    with tempfile.TemporaryDirectory(prefix="gpg-") as folder:
        Path(folder).chmod(0o700)
        try:
            yield Gpg(Path(folder))
        finally:
            subprocess.run(["gpgconf", "--homedir", folder, "--kill", "gpg-agent"], check=True, timeout=30)
