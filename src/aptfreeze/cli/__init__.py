# SPDX-License-Identifier: MIT
"""Verbs and flags, printing, error -> exit code. No logic."""
