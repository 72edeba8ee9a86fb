from __future__ import annotations

import os
import subprocess
import sys

import pytest

from modelpack.store.owner import identity_of, is_running


def test_is_running_of_ourselves_and_the_first_process() -> None:
    assert is_running(identity_of(os.getpid()))
    assert is_running(identity_of(1))


def test_is_running_of_a_process_that_ended_is_false() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = identity_of(process.pid)
    assert is_running(identity)
    process.communicate(b"\n")
    assert not is_running(identity)


@pytest.mark.skipif(not os.path.exists("/proc/1/stat"), reason="starts are told by /proc")  # noqa: PTH110
def test_is_running_of_a_later_process_of_the_same_number_is_false() -> None:
    number, start = identity_of(os.getpid()).split(" ")
    assert not is_running(f"{number} {int(start) - 1}")


@pytest.mark.parametrize("identity", ["", " ", "x", "0 0", "-1 0", "9" * 30, "٣ 0", "1.5 0"])
def test_is_running_of_no_process_is_false(identity: str) -> None:
    assert not is_running(identity)
