from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import pytest

from modelpack.engine.admission import Admission

LIMIT_S = 60.0


def peak(admission: Admission, at_once: int, *estimates: int) -> int:
    """How many of these steps run at once, when each holds on until `at_once` do, and a little longer for others."""
    lock, enough = Lock(), Event()
    running: list[int] = []
    most: list[int] = [0]

    def step(estimate: int) -> None:
        with admission.admit(estimate):
            with lock:
                running.append(estimate)
                most[0] = max(most[0], len(running))
                if len(running) >= at_once:
                    enough.set()
            enough.wait(LIMIT_S)
            Event().wait(0.05)
            with lock:
                running.remove(estimate)

    with ThreadPoolExecutor(len(estimates)) as threads:
        for future in [threads.submit(step, estimate) for estimate in estimates]:
            future.result(2 * LIMIT_S)
    return most[0]


@pytest.mark.parametrize(
    ("workers", "estimates", "at_once"),
    [
        (2, (1, 1, 1, 1), 2),  # as many as there are workers
        (4, (60, 60, 60), 1),  # no two fit into the memory
        (4, (50, 50, 50), 2),
        (4, (1000, 1000), 1),  # more than all the memory: alone, but not never
    ],
)
def test_admission_lets_in_what_fits(
    workers: int, estimates: tuple[int, ...], at_once: int
) -> None:
    assert peak(Admission(workers, 100), at_once, *estimates) == at_once


def test_admission_is_given_back_by_a_step_that_fails() -> None:
    admission = Admission(1, 100)
    with pytest.raises(ZeroDivisionError), admission.admit(100):
        raise ZeroDivisionError
    assert peak(admission, 1, 100) == 1
