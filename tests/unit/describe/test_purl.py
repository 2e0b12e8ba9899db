# SPDX-License-Identifier: MIT
"""Package URLs as the specification's examples have them."""

from aptfreeze.describe.purl import purl


def test_a_package_url_has_vendor_architecture_and_distribution() -> None:
    assert purl("debian", "bash", "5.2.15-2+b8", "amd64", "bookworm") == (
        "pkg:deb/debian/bash@5.2.15-2%2Bb8?arch=amd64&distro=bookworm"
    )


def test_without_a_codename_there_is_no_distribution() -> None:
    assert purl("local", "my-app", "1:1~rc1", "source", "") == "pkg:deb/local/my-app@1:1~rc1?arch=source"
