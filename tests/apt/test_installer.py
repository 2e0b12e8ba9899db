# SPDX-License-Identifier: MIT
"""The installer: images that only a SHA256SUMS lists, which the Release lists; and udebs."""

from support.apt import Apt
from support.aptfreeze import Serving
from support.build import build
from support.client import ask
from support.faults import Flip
from support.origin import Origin
from support.repository import Repository

FOLDER = "dists/bookworm/main/installer-amd64/current/images"


def _with_installer(repository: Repository, image: bytes) -> str:
    """Publishes it; its URL."""
    repository.add_installer({"netboot/mini.iso": image})
    repository.publish()
    return f"{repository.url}/{FOLDER}/netboot/mini.iso"


def test_an_image_is_frozen_by_the_second_level(
    repository: Repository, client: Apt, frozen: Serving, origin: Origin
) -> None:
    image = b"image of the first state " * 1000
    url = _with_installer(repository, image)
    build(client, repository)
    assert ask(frozen.proxy, url, user_agent="Wget/1.21.3").body == image

    _with_installer(repository, b"another")
    origin.forget()

    assert ask(frozen.proxy, url, user_agent="Wget/1.21.3").body == image
    assert origin.asked() == []


def test_a_wrong_image_is_not_served(repository: Repository, client: Apt, frozen: Serving, origin: Origin) -> None:
    url = _with_installer(repository, b"image")
    build(client, repository)
    origin.inject("*/mini.iso", Flip())

    assert ask(frozen.proxy, url).status in {502, 503}


def test_an_image_that_the_sums_do_not_list_is_404(repository: Repository, client: Apt, frozen: Serving) -> None:
    url = _with_installer(repository, b"image")
    build(client, repository)
    (repository.root / FOLDER / "netboot/other.iso").write_bytes(b"unlisted")

    assert ask(frozen.proxy, url.replace("mini", "other")).status == 404


def test_udebs_are_found_by_their_own_index(repository: Repository, client: Apt, frozen: Serving) -> None:
    udeb = repository.add("disk-detect", "1.0", udeb=True)
    repository.publish()
    url = f"{repository.url}/{udeb.path}"
    build(client, repository)
    indexes = f"{repository.url}/dists/bookworm/main/debian-installer/binary-amd64/Packages.xz"

    assert ask(frozen.proxy, indexes, user_agent="Wget/1.21.3").status == 200
    assert ask(frozen.proxy, url, user_agent="Wget/1.21.3").body == udeb.build()
