# SPDX-License-Identifier: MIT
"""apt sends up to ten requests ahead; answers come in that order, whatever is fast and whatever is slow."""

from support.apt import Apt
from support.aptfreeze import Serving
from support.build import build
from support.faults import CloseAfter, Delay
from support.origin import Origin
from support.repository import Repository

PACKAGES = [f"package-{number}" for number in range(25)]


def _fill(repository: Repository) -> dict[str, str]:
    """Packages of very different sizes; what apt will call them, and their hashes."""
    files = {f"{name}_1_amd64.deb": repository.add(name, "1", size=1000 * 3 ** (number % 6)).sha256
             for number, name in enumerate(PACKAGES)}  # fmt: skip
    repository.publish()
    return dict(sorted(files.items()))


def test_a_cold_and_a_warm_run_of_many_packages(
    repository: Repository, client: Apt, frozen: Serving, origin: Origin
) -> None:
    files = _fill(repository)
    origin.inject("*/package-3_*", Delay(0.3))

    assert build(client, repository, *PACKAGES) == files
    client.clear_archives()
    client.install(*PACKAGES).ok()

    assert client.fetched() == files
    assert origin.count("*/package-*") == len(PACKAGES)


def test_a_404_in_the_middle_does_not_shift_the_answers(repository: Repository, client: Apt, origin: Origin) -> None:
    files = _fill(repository)
    repository.file_of("package-7").unlink()

    client.add(repository)
    client.update().ok()
    client.install(*PACKAGES).fails(100)

    del files["package-7_1_amd64.deb"]
    assert client.fetched() == files


def test_a_mirror_that_closes_in_mid_pipeline_is_no_trouble(
    repository: Repository, client: Apt, origin: Origin
) -> None:
    files = _fill(repository)
    origin.inject("*", CloseAfter())

    assert build(client, repository, *PACKAGES) == files
