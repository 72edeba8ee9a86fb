"""Work on several cores at once that gives the same as on one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from modelpack.cores import usable_cores

# Each thread holds one sample's values, or one weight's matrices: more of them cost memory, and a build runs several steps.
MOST_THREADS = 4

T = TypeVar("T")
R = TypeVar("R")


def in_order(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """What the function gives for each item, in the order of the items, whichever is done first.

    It runs in as many threads as there are cores: for work that numpy and onnxruntime do without Python's lock. Items are
    taken, and results held, only a few ahead of what was asked for. What comes out never depends on the number of threads.
    """
    threads = min(usable_cores(), MOST_THREADS)
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[R]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
