# SPDX-License-Identifier: MIT
"""`python -m aptfreeze`, and the console script."""

import sys

from aptfreeze.cli import main

if __name__ == "__main__":
    sys.exit(main())
