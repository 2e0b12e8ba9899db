# SPDX-License-Identifier: MIT
"""Two suites of one host, as every Debian machine has them."""

from support.apt import Apt
from support.aptfreeze import Aptfreeze
from support.faults import Status
from support.origin import Origin
from support.repository import MakeRepository


def test_an_index_that_cannot_be_had_ends_the_update(
    make_repository: MakeRepository, apt: Apt, aptfreeze: Aptfreeze, origin: Origin
) -> None:
    # With a delay between attempts apt 2.6 never comes back to the file while the other suite is due.
    for suite in ("bookworm", "bookworm-security"):
        repository = make_repository(suite, suite=suite, suite_field=suite, codename=suite)
        repository.add(f"of-{suite}", "1.0")
        repository.publish()
        apt.add(repository)
    origin.inject("/bookworm/*/binary-*", Status(404))

    failed = aptfreeze.run(["timeout", "30", "apt-get", "update"], env=apt.environ).fails()

    assert failed.returncode == 100, f"apt-get did not end by itself\n{failed}"
    assert "in the middle of an update" in failed.output
