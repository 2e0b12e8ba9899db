# SPDX-License-Identifier: MIT
"""Package URLs of Debian packages (purl specification, type `deb`). Needs the extra `sbom`."""

from packageurl import PackageURL


def purl(vendor: str, name: str, version: str, architecture: str, codename: str) -> str:
    """`pkg:deb/debian/bash@5.2.15-2%2Bb8?arch=amd64&distro=bookworm`; without a codename there is no distro."""
    qualifiers = {"arch": architecture, **({"distro": codename} if codename else {})}
    return PackageURL("deb", vendor, name, version, qualifiers).to_string()
