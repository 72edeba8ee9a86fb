from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import pytest

from modelpack.cores import usable_cores
from modelpack.graph.parallel import MOST_THREADS, in_order
from tests.support.cores import needs_affinity, one_core


def test_in_order_keeps_the_order_of_the_items() -> None:
    assert list(in_order(lambda number: number * number, range(100))) == [
        number * number for number in range(100)
    ]


@pytest.mark.skipif(usable_cores() < 2, reason="needs two cores")
def test_in_order_waits_for_a_slow_first_item() -> None:
    is_second_done = Event()

    def work(number: int) -> int:
        if number:
            is_second_done.set()
        else:
            assert is_second_done.wait(60)
        return number

    assert list(in_order(work, range(2))) == [0, 1]


def test_in_order_takes_few_items_ahead() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    found = in_order(lambda number: number, items())
    assert next(found) == 0
    assert len(taken) <= MOST_THREADS + 1
    found.close()  # type: ignore[attr-defined]  # it is a generator


def test_in_order_an_error_is_raised_where_its_item_is_due() -> None:
    found = in_order(lambda number: 10 // number, (5, 0, 2))
    assert next(found) == 2
    with pytest.raises(ZeroDivisionError):
        next(found)


@needs_affinity
def test_in_order_on_one_core_gives_the_same() -> None:
    with one_core():
        assert list(in_order(str, range(5))) == ["0", "1", "2", "3", "4"]
