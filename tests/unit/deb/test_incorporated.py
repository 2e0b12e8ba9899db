# SPDX-License-Identifier: MIT
"""Built-Using and its relatives, in a paragraph and in a whole index."""

from hypothesis import given
from hypothesis import strategies as st

from aptfreeze.deb.incorporated import Incorporated, IncorporatedBy, Incorporating, incorporated, incorporating

FIELDS = {
    "Built-Using": "gcc-12 (= 12.2.0-14), glibc (= 2.36-9+deb12u1)",
    "Static-Built-Using": "golang-1.19 (= 1.19.8-2)",
    "X-Cargo-Built-Using": "rust-libc (= 0.2.139-1),\n rust-libc (= 0.2.139-1)",
}
INDEX = b"""Package: plain
Version: 1
Architecture: amd64
Description: Built-Using: nothing

Package: static
Version: 2
Architecture: amd64
BUILT-USING: busybox (= 1:1.35.0-4),
 zlib (= 1:1.2.13)
Filename: pool/s/static_2_amd64.deb

Package: loose
Version: 3
Architecture: all
Built-Using: something (>= 1)

Package: last
Architecture: arm64
Static-Built-Using: a (= 1)
Version: 4"""


def test_every_field_is_read_and_each_source_told_once() -> None:
    assert incorporated(lambda name: FIELDS.get(name, "")) == (
        Incorporated(IncorporatedBy.BUILT_USING, "gcc-12", "12.2.0-14"),
        Incorporated(IncorporatedBy.BUILT_USING, "glibc", "2.36-9+deb12u1"),
        Incorporated(IncorporatedBy.STATIC, "golang-1.19", "1.19.8-2"),
        Incorporated(IncorporatedBy.CARGO, "rust-libc", "0.2.139-1"),
    )


def test_what_names_no_exact_version_is_left_out() -> None:
    assert incorporated(lambda name: "a, b (>= 1), c (= )" if name == "Built-Using" else "") == ()


def test_an_index_is_searched_for_the_stanzas_that_have_some() -> None:
    assert list(incorporating(INDEX)) == [
        Incorporating(
            "static",
            "2",
            "amd64",
            (
                Incorporated(IncorporatedBy.BUILT_USING, "busybox", "1:1.35.0-4"),
                Incorporated(IncorporatedBy.BUILT_USING, "zlib", "1:1.2.13"),
            ),
        ),
        Incorporating("last", "4", "arm64", (Incorporated(IncorporatedBy.STATIC, "a", "1"),)),
    ]


@given(st.lists(st.sampled_from([*INDEX.splitlines(), b"Built-Using: x (= 1)", b"", b"\xff", b" y"])).map(b"\n".join))
def test_nothing_makes_it_fail_and_no_stanza_is_told_twice(data: bytes) -> None:
    found = list(incorporating(data))
    assert len(found) <= data.count(b"\n\n") + 1
