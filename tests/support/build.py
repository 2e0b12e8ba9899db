# SPDX-License-Identifier: MIT
"""An image build, as far as apt has a part in it: update with empty lists, then fetch packages."""

from support.apt import Apt
from support.repository import Repository


def build(client: Apt, repository: Repository, *packages: str, **options: str) -> dict[str, str]:
    """A fresh client fetches packages (`hello` if none is named): file name to sha256. `options` as in `Apt.add`."""
    client.add(repository, **options)  # type: ignore[arg-type]  # only options of sources.list come this way
    client.update().ok()
    client.install(*(packages or ("hello",))).ok()
    return client.fetched()
