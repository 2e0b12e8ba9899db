# SPDX-License-Identifier: MIT
"""The architecture of this machine, as Debian's own tools say it."""

import os
import shutil
import subprocess
import sys

import pytest

from aptfreeze.environment.machine import architecture


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="needs dpkg")
@pytest.mark.skipif(sys.maxsize < 2**32, reason="a 32-bit system may run on a 64-bit kernel, which is all we ask")
def test_it_is_what_dpkg_says() -> None:
    said = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout

    assert architecture() == said.strip()


def test_a_kernel_that_debian_has_no_name_for_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    uname = list(os.uname())
    for kernel, name in (("x86_64", "amd64"), ("aarch64", "arm64"), ("riscv64", "riscv64"), ("vax", "vax")):
        monkeypatch.setattr(os, "uname", lambda kernel=kernel: os.uname_result((*uname[:4], kernel)))
        assert architecture() == name
