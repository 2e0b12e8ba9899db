# SPDX-License-Identifier: MIT
"""One file has one name in the generation, however it is written; one suite and one repository may have several."""

import pytest

from support.apt import Apt, MakeApt, NewClient
from support.aptfreeze import Aptfreeze, Serving
from support.build import build
from support.client import ask
from support.faults import Redirect
from support.origin import Origin
from support.repository import MakeRepository, Repository


def test_odd_characters_come_through_and_go_upstream_as_they_came(
    repository: Repository, new_client: NewClient, make_apt: MakeApt, origin: Origin
) -> None:
    names = {"g++": "4:12.2~rc1+b1", "quoted": "1:1"}
    repository.add("g++", names["g++"])
    repository.add("quoted", names["quoted"], filename="pool/main/q/quoted_1%3a1_amd64.deb")
    repository.publish()

    assert len(build(new_client(), repository, *names)) == 2
    raw = [seen.target for seen in origin.requests if seen.path.endswith(".deb")]
    origin.forget()
    build(make_apt(), repository, *names)  # without anything between

    assert sorted(raw) == sorted(seen.target for seen in origin.requests if seen.path.endswith(".deb"))


@pytest.mark.parametrize("written", ["g%2b%2b_1%7erc_amd64.deb", "g%2B%2B_1%7Erc_amd64.deb", "g++_1~rc_amd64.deb"])
def test_every_way_to_write_a_name_leads_to_the_same_file(
    repository: Repository, client: Apt, frozen: Serving, origin: Origin, written: str
) -> None:
    package = repository.add("g++", "1~rc").build()
    repository.publish()
    build(client, repository, "g++")
    repository.remove("g++")
    repository.publish()
    origin.forget()

    # the folder is written as it is; debootstrap's wget asks so too
    response = ask(frozen.proxy, f"{repository.url}/pool/main/g/g++/{written}", user_agent="Wget/1.21.3")

    assert (response.status, response.body) == (200, package)
    assert origin.asked() == []


def test_a_suite_under_two_names_has_one_pin(
    make_repository: MakeRepository, aptfreeze: Aptfreeze, make_apt: MakeApt, origin: Origin
) -> None:
    repository = make_repository(aliases=("stable",))
    repository.add("hello", "1.0")
    repository.publish()
    with aptfreeze.serve() as frozen:
        assert list(build(make_apt(proxy=frozen.proxy), repository)) == ["hello_1.0_amd64.deb"]
        repository.add("hello", "2.0")
        repository.publish()

        assert list(build(make_apt(proxy=frozen.proxy), repository, suite="stable")) == ["hello_1.0_amd64.deb"]

    assert list(aptfreeze.pins) == [f"{origin.host}/debian bookworm"]
    assert origin.count("*/InRelease") == 1


def test_a_pocket_is_not_its_base_suite(make_repository: MakeRepository, client: Apt, aptfreeze: Aptfreeze) -> None:
    base = make_repository(suite="jammy", suite_field="jammy", codename="jammy")
    base.add("hello", "1.0")
    base.publish()
    updates = make_repository(suite="jammy-updates", suite_field="jammy-updates", codename="jammy")
    updates.add("hello", "1.1")
    updates.publish()
    client.add(updates)
    client.add(base)

    client.update().ok()

    assert client.candidate("hello") == "1.1"
    assert len(aptfreeze.pins) == 2


def test_a_name_that_two_pinned_suites_claim_is_refused_in_words(
    make_repository: MakeRepository, frozen: Serving
) -> None:
    for suite in ("focal", "jammy"):
        repository = make_repository(suite=suite, suite_field="stable", codename=suite, aliases=("stable",))
        repository.add("hello", "1.0")
        repository.publish()
        assert ask(frozen.proxy, f"{repository.url}/dists/{suite}/InRelease").status == 200

    refused = ask(frozen.proxy, f"{repository.url}/dists/stable/InRelease")

    assert refused.status == 403
    assert "stable is a name of several pinned suites (focal, jammy)" in refused.body.decode()


def test_a_suite_that_claims_the_name_of_another_pinned_one_is_refused_in_words(
    make_repository: MakeRepository, frozen: Serving
) -> None:
    for suite in ("stable", "jammy"):
        repository = make_repository(suite=suite, suite_field="stable", codename=f"{suite}-code")
        repository.add("hello", "1.0")
        repository.publish()
    assert ask(frozen.proxy, f"{repository.url}/dists/stable/InRelease").status == 200

    refused = ask(frozen.proxy, f"{repository.url}/dists/jammy/InRelease")

    assert refused.status == 403
    assert "its Release says that it is stable too" in refused.body.decode()


def test_two_names_of_one_repository_have_one_pin(
    repository: Repository, aptfreeze: Aptfreeze, make_apt: MakeApt, origin: Origin
) -> None:
    aptfreeze.configure(f'[mirrors]\n"mirror.example.org/debian" = ["{repository.url}"]')
    with aptfreeze.serve() as frozen:
        by_identity = build(make_apt(proxy=frozen.proxy), repository, url="http://mirror.example.org/debian")
        repository.add("hello", "2.0")
        repository.publish()

        by_mirror = build(make_apt(proxy=frozen.proxy), repository)

    assert by_identity == by_mirror
    assert list(aptfreeze.pins) == ["mirror.example.org/debian bookworm"]
    assert origin.count("*/InRelease") == 1


def test_slashes_too_many_change_nothing(repository: Repository, new_client: NewClient, aptfreeze: Aptfreeze) -> None:
    first = build(new_client(), repository, url=f"{repository.url}/")
    doubled = build(new_client(), repository, url=repository.url.replace("/debian", "//debian"))

    assert first == doubled
    assert len(aptfreeze.pins) == 1


def test_a_redirect_changes_nothing(
    repository: Repository, client: Apt, aptfreeze: Aptfreeze, origin: Origin, second_origin: Origin
) -> None:
    repository.copy_to(second_origin.root / "debian")
    origin.inject("*", Redirect(second_origin.url))

    answers = build(client, repository)

    assert list(answers) == ["hello_1.0_amd64.deb"]
    assert second_origin.count("*.deb") == 1
    assert list(aptfreeze.pins) == [f"{origin.host}/debian bookworm"]
