# SPDX-License-Identifier: MIT
"""usage: PYTHONPATH=tests python -m fuzz COUNT [TARGET...]

Runs COUNT mutations of each target (all by default). The first input that ends in another error than the target's
refusal is written to a temporary file, its seed is named, and the exit status is 1.
"""

import argparse
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from fuzz.mutation import mutate
from fuzz.targets import TARGETS, Target

_SLOW_S = 2.0
"""An input of at most 64 KiB that takes longer counts as a failure: it stalls a server."""


def failure(target: Target, corpus: Sequence[bytes], seed: int) -> bytes | None:
    """The mutation with this seed if the target fails on it; the traceback goes to stderr."""
    source = random.Random(seed)
    data = mutate(source.choice(corpus), corpus, source)
    began = time.monotonic()
    try:
        target.try_on(data)
    except Exception:
        traceback.print_exc()
        return data
    return data if time.monotonic() - began > _SLOW_S else None


def fuzz(target: Target, count: int) -> bool:
    """Whether the target stood count mutations."""
    corpus = target.corpus()
    first_seed = random.SystemRandom().getrandbits(48)
    for seed in range(first_seed, first_seed + count):
        data = failure(target, corpus, seed)
        if data is not None:
            with tempfile.NamedTemporaryFile(prefix=f"fuzz-{target.name}-", delete=False) as file:
                file.write(data)
            print(f"{target.name}: seed {seed} fails, input in {Path(file.name)}")
            return False
    print(f"{target.name}: {count} mutations")
    return True


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description="Feed mutated inputs to the parsers.")
    parser.add_argument("count", type=int, help="mutations per target")
    parser.add_argument("target", nargs="*", help="names of targets; all by default")
    arguments = parser.parse_args()
    names = arguments.target or [target.name for target in TARGETS]
    outcomes = [fuzz(target, arguments.count) for target in TARGETS if target.name in names]
    return 0 if all(outcomes) and len(outcomes) == len(names) else 1


if __name__ == "__main__":
    sys.exit(main())
