# SPDX-License-Identifier: MIT
"""Real things for the tests: signed repositories, a mirror with faults, the machine's apt, the product as a process."""
