# SPDX-License-Identifier: MIT
"""A frozen suite has no pdiffs: they lead from one state to the next, and here there is no next one."""

from support.apt import Apt
from support.aptfreeze import Serving
from support.client import ask
from support.origin import Origin
from support.repository import MakeRepository


def test_apt_takes_the_whole_index_where_the_mirror_offers_patches(
    make_repository: MakeRepository, apt: Apt, frozen: Serving, origin: Origin
) -> None:
    repository = make_repository(pdiffs=True)
    repository.add("hello", "1.0")
    repository.add("stays", "1.0")
    repository.publish()
    apt.add(repository)
    apt.update().ok()  # from the mirror itself: older lists, as on any long-lived machine
    repository.add("hello", "2.0")
    repository.publish()
    origin.forget()

    apt.use_proxy(frozen.proxy)
    apt.update().ok()

    assert apt.candidate("hello") == "2.0"
    assert origin.count("*/Packages.diff/*") == 0
    assert origin.count("*/binary-amd64/by-hash/*") == 1
    index = f"{repository.url}/dists/bookworm/main/binary-amd64/Packages.diff/Index"
    assert ask(frozen.proxy, index).status == 404
