# SPDX-License-Identifier: MIT
"""What an index or an image holds may be anything; what is shown of it moves no cursor."""

from aptfreeze.describe.visible import printable, visible


def test_what_is_not_visible_is_percent_encoded() -> None:
    assert visible("evil name") == "evil%20name"
    assert visible("1.0~\x1b[31m\x85é") == "1.0~%1B[31m%C2%85%C3%A9"


def test_a_printable_line_has_question_marks_for_what_moves_the_cursor() -> None:
    assert printable("a\tb \x1b[2Jé") == "a        b ?[2Jé"
