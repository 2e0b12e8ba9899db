# SPDX-License-Identifier: MIT
"""Whole, part or "not modified": by equality with what we sent, never by order of dates."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aptfreeze.http.message import Headers, Request
from aptfreeze.http.semantics import Plan, Representation, http_date, is_conditional, parse_http_date, plan_response

DATE = "Sat, 11 Jul 2026 10:16:37 GMT"
OLDER = "Fri, 10 Jul 2026 10:16:37 GMT"
NEWER = "Sun, 12 Jul 2026 10:16:37 GMT"
TAG = '"9f86d081"'
DEB = Representation(TAG, datetime(2026, 7, 11, 10, 16, 37, tzinfo=UTC), 1000, "application/vnd.debian.binary-package")


def ask(method: str = "GET", *, of: Representation = DEB, allow_range: bool = True, **headers: str) -> Plan:
    fields = Headers((name.replace("_", "-"), value) for name, value in headers.items())
    return plan_response(Request(method, b"/x", "1.1", fields, True), of, allow_range=allow_range)


def test_a_plain_request_gets_the_whole_with_its_validators() -> None:
    plan = ask()
    assert (plan.status, plan.start, plan.end) == (200, 0, 1000)
    assert dict(plan.headers) == {
        "Accept-Ranges": "bytes",
        "ETag": TAG,
        "Last-Modified": DATE,
        "Content-Type": "application/vnd.debian.binary-package",
        "Content-Length": "1000",
    }


def test_head_gets_the_headers_of_get_and_no_part() -> None:
    assert ask("HEAD") == ask("GET")
    assert ask("HEAD", Range="bytes=5-") == ask("GET")
    assert ask("HEAD", If_Modified_Since=DATE).status == 304


def test_bytes_without_a_date_have_no_last_modified() -> None:
    undated = Representation(TAG, None, 10, "text/plain")
    assert "Last-Modified" not in dict(ask(of=undated).headers)
    assert ask(of=undated, If_Modified_Since=DATE).status == 200
    assert ask(of=undated, If_Unmodified_Since=DATE).status == 200
    assert ask(of=undated, Range="bytes=5-", If_Range=DATE).status == 200
    assert ask(of=undated, Range="bytes=5-", If_Range=TAG).status == 206


@pytest.mark.parametrize(("since", "status"), [(DATE, 304), (OLDER, 200), (NEWER, 200), ("yesterday", 200)])
def test_not_modified_only_for_the_very_date(since: str, status: int) -> None:
    """A client with the lists of a newer generation must get the older file, not a 304."""
    assert ask(If_Modified_Since=since).status == status


def test_not_modified_has_validators_and_no_body() -> None:
    plan = ask(If_Modified_Since=DATE)
    assert (plan.start, plan.end) == (0, 0)
    assert dict(plan.headers) == {"Accept-Ranges": "bytes", "ETag": TAG, "Last-Modified": DATE}


@pytest.mark.parametrize(
    ("tags", "status"),
    [(TAG, 304), (f"W/{TAG}", 304), (f'"a", {TAG}', 304), ("*", 304), ('"9f86d08"', 200), ("9f86d081", 200), ("", 200)],
)
def test_if_none_match_compares_weakly(tags: str, status: int) -> None:
    assert ask(If_None_Match=tags).status == status


def test_if_none_match_beats_if_modified_since() -> None:
    assert ask(If_None_Match='"other"', If_Modified_Since=DATE).status == 200


@pytest.mark.parametrize(
    ("tags", "status"), [(TAG, 200), ("*", 200), (f'"a",{TAG}', 200), (f"W/{TAG}", 412), ('"a"', 412), ("", 412)]
)
def test_if_match_compares_strongly(tags: str, status: int) -> None:
    assert ask(If_Match=tags).status == status


@pytest.mark.parametrize(("since", "status"), [(DATE, 200), (OLDER, 412), (NEWER, 412)])
def test_if_unmodified_since_wants_the_very_date(since: str, status: int) -> None:
    assert ask(If_Unmodified_Since=since).status == status


def test_a_failed_precondition_has_no_body() -> None:
    plan = ask(If_Match='"a"')
    assert (plan.start, plan.end) == (0, 0)
    assert dict(plan.headers)["Content-Length"] == "0"


@pytest.mark.parametrize(
    ("wish", "start", "end"),
    [
        ("bytes=0-", 0, 1000),
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=999-", 999, 1000),
        ("bytes=990-5000", 990, 1000),
        ("bytes=-10", 990, 1000),
        ("bytes=-5000", 0, 1000),
        ("Bytes=5-", 5, 1000),
    ],
)
def test_one_range_is_served(wish: str, start: int, end: int) -> None:
    plan = ask(Range=wish)
    headers = dict(plan.headers)
    assert (plan.status, plan.start, plan.end) == (206, start, end)
    assert headers["Content-Range"] == f"bytes {start}-{end - 1}/1000"
    assert headers["Content-Length"] == str(end - start)
    assert (headers["ETag"], headers["Last-Modified"]) == (TAG, DATE)


@pytest.mark.parametrize(
    "wish",
    [
        "bytes=5-4",
        "bytes=0-1,3-4",
        "bytes=0-1, ",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes= 5-",
        "bytes=+5-",
        "bytes=٥-",
        "bytes=5",
        "bytes 5-",
        "items=0-1",
        "",
        "bytes=" + "9" * 5000 + "-",
    ],
)
def test_any_other_wish_gets_the_whole(wish: str) -> None:
    assert ask(Range=wish) == ask()


@pytest.mark.parametrize("wish", ["bytes=1000-", "bytes=1000-1001", "bytes=5000-6000", "bytes=-0"])
def test_a_range_behind_the_end_names_the_size(wish: str) -> None:
    plan = ask(Range=wish)
    assert (plan.status, plan.start, plan.end) == (416, 0, 0)
    assert dict(plan.headers)["Content-Range"] == "bytes */1000"
    assert dict(plan.headers)["Content-Length"] == "0"


def test_no_part_of_nothing() -> None:
    empty = Representation(TAG, None, 0, "text/plain")
    assert ask(of=empty, Range="bytes=0-").status == 416
    assert ask(of=empty, Range="bytes=-5").status == 416


@pytest.mark.parametrize(
    ("if_range", "status"), [(DATE, 206), (TAG, 206), (f"W/{TAG}", 200), (OLDER, 200), (NEWER, 200), ("", 200)]
)
def test_a_part_only_of_the_bytes_that_the_client_began_with(if_range: str, status: int) -> None:
    assert ask(Range="bytes=5-", If_Range=if_range).status == status


def test_if_range_alone_means_nothing() -> None:
    assert ask(If_Range='"other"') == ask()


def test_a_changed_file_is_not_even_416() -> None:
    assert ask(Range="bytes=5000-", If_Range=OLDER).status == 200


def test_preconditions_come_before_the_range() -> None:
    assert ask(Range="bytes=5-", If_Modified_Since=DATE).status == 304
    assert ask(Range="bytes=5-", If_Match='"other"').status == 412


def test_a_client_with_a_wrong_beginning_gets_the_whole() -> None:
    assert ask(Range="bytes=5-", If_Range=TAG, allow_range=False) == ask()
    assert ask(Range="bytes=1000-", allow_range=False) == ask()
    assert ask(Range="bytes=5-", If_None_Match=TAG, allow_range=False) == ask()
    assert ask(If_None_Match=TAG, allow_range=False).status == 304


@pytest.mark.parametrize("name", ["Range", "IF-Match", "if-none-match", "If-Modified-Since", "If-Unmodified-Since"])
def test_a_request_is_conditional_by_its_headers(name: str) -> None:
    assert is_conditional(Headers([("Host", "h"), (name, "x")]))


def test_a_plain_request_is_not_conditional() -> None:
    assert not is_conditional(Headers([("Host", "h"), ("Accept", "*/*"), ("If-Range", TAG)]))


def test_dates_are_gmt() -> None:
    east = timezone(timedelta(hours=2))
    assert http_date(datetime(2026, 1, 1, 1, 2, 3, tzinfo=east)) == "Wed, 31 Dec 2025 23:02:03 GMT"


def test_a_date_reads_what_it_writes() -> None:
    moment = datetime(2026, 7, 11, 10, 16, 37, tzinfo=UTC)
    assert parse_http_date(http_date(moment)) == moment


@pytest.mark.parametrize(
    "text",
    ["", "0", "Sat, 11 Jul 2026 10:16:37", "Sat, 31 Feb 2026 10:16:37 GMT", "Sat, 11 Xyz 2026 10:16:37 GMT"],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_http_date(text) is None


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 50), st.text("bytes=-,0123456789 ", max_size=20).map("bytes=".__add__))
def test_a_plan_never_leaves_the_file(size: int, wish: str) -> None:
    plan = ask(of=Representation(TAG, None, size, "x"), Range=wish)
    assert 0 <= plan.start <= plan.end <= size
    assert dict(plan.headers)["Content-Length"] == str(plan.end - plan.start)
    assert plan.status in (200, 206, 416)
    assert plan.status != 200 or plan.end - plan.start == size
