# SPDX-License-Identifier: MIT
"""`python -m aptfreeze`, and the console script."""

import gc
import sys


def main() -> int:
    """Run the command line; its exit status.

    The garbage collector rests until something is served (`serve.running`): what imports make is no garbage, and
    looking at it again and again takes a tenth of the start.
    """
    gc.disable()
    from aptfreeze.cli import main as cli

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
