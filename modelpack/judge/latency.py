"""Which of the measured runs a budget judges.

1. Runs in a browser, on the variant's device, as the loader runs it unless a page asks otherwise: one thread, full speed.
2. Of several machines or browsers, the worst figure counts: a limit is a promise for all of them.
3. The times of an emulated graphics processor are no times.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, get_args

from modelpack.measured import OperatorTime, Run
from modelpack.spec.limits import MeasuredQuantity

MEASURED: Final[tuple[MeasuredQuantity, ...]] = get_args(MeasuredQuantity)
_MOST_OPERATORS: Final = 3


def measured_figures(runs: Mapping[str, tuple[Run, ...]], device: str) -> dict[str, float]:
    """The figure of each quantity that was measured: bytes of memory, and seconds."""
    judged = tuple(_judged(runs, device))
    found: dict[str, float] = {}
    for quantity in MEASURED:
        values = [value for run in judged if (value := _value(run, quantity)) is not None]
        if values:
            found[quantity] = max(values)
    return found


def slowest_operators(runs: Mapping[str, tuple[Run, ...]]) -> tuple[tuple[str, float], ...]:
    """The kinds of operator that take most of the time, natively, with their shares."""
    profiles = [run.operators for found in runs.values() for run in found if run.operators]
    first: tuple[OperatorTime, ...] = profiles[0] if profiles else ()
    return tuple((one.operator, one.share) for one in first[:_MOST_OPERATORS])


def _judged(runs: Mapping[str, tuple[Run, ...]], device: str) -> Iterator[Run]:
    for found in runs.values():
        for run in found:
            is_plain = run.threads == 1 and run.slowdown == 1
            if run.engine != "native" and run.device == device and is_plain:
                yield run


def _value(run: Run, quantity: MeasuredQuantity) -> float | None:
    if quantity == "memory":
        return run.memory_bytes
    if run.is_software:
        return None
    match quantity:
        case "latency_p50":
            return run.p50_s
        case "latency_p95":
            return run.p95_s
        case "first_inference":
            return run.first_s
