# SPDX-License-Identifier: MIT
"""Every fuzz target on its corpus, and on a bounded number of mutations; `python -m fuzz` goes on for longer."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.mutation import mutate
from fuzz.targets import CORPUS, TARGETS, Target

every_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


def test_every_target_has_a_corpus_and_every_corpus_a_target() -> None:
    assert sorted(folder.name for folder in CORPUS.iterdir()) == sorted(target.name for target in TARGETS)


@every_target
def test_the_corpus_begins_with_inputs_that_are_accepted(target: Target) -> None:
    """A mutation of what was never valid does not get past the first check of its parser."""
    accepted = [target.try_on(data) for data in target.corpus()]
    assert any(accepted)


@every_target
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(source=st.randoms(use_true_random=False))
def test_mutations_are_read_or_refused(target: Target, source: random.Random) -> None:
    corpus = target.corpus()
    target.try_on(mutate(source.choice(corpus), corpus, source))
