"""Limits × measurements → verdicts. Pure: the same figures always give the same verdict, whatever the cache held.

1. Every declared limit gives exactly one verdict, in the order it was declared: budgets first, then accuracy.
2. What was not measured fails; so does a figure that is not a number.
3. A limit is met when the figure equals it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from msgspec import Struct

from modelpack.errors import ModelpackError
from modelpack.record import Evaluation, TensorBytes, Verdict
from modelpack.spec import Comparison, Limit, Metric, MetricLimit, Model, Quantity, Variant

_METRICS: frozenset[str] = frozenset(get_args(Metric))
_CONTRIBUTORS = 3
_EXIT_ORDER = (7, 2, 6, 1, 5, 4, 3)  # docs/architecture.md, "Exit codes": the first that applies


class VariantMeasurements(Struct, frozen=True):
    """What is known of one variant: bytes on the wire, decoded bytes, chunks (None: not measured), and its weights."""

    download_bytes: int | None
    size_bytes: int | None
    chunks: int | None
    tensors: tuple[TensorBytes, ...] = ()

    def of(self, quantity: Quantity) -> int | None:
        """The figure that a budget of this quantity limits."""
        figures = {
            "download": self.download_bytes,
            "size": self.size_bytes,
            "chunks": self.chunks,
        }
        return figures[quantity]


def judge_variant(
    model: Model, variant: Variant, measured: VariantMeasurements, evaluation: Evaluation | None
) -> tuple[Verdict, ...]:
    """One verdict for each limit of the variant, and for each accuracy limit of the model's golden set."""
    budgets = (_judge_limit(model, variant, limit, measured) for limit in variant.budget)
    limits = () if model.golden is None else model.golden.metrics
    accuracy = (_judge_metric(model, variant, limit, evaluation) for limit in limits)
    return (*budgets, *accuracy)


def exit_code(verdicts: Iterable[Verdict], errors: Iterable[ModelpackError]) -> int:
    """The process's exit code: of all that apply, the first of 7, 2, 6, 1, 5, 4, 3. Warnings do not count."""
    codes = {error.exit_code for error in errors}
    codes |= {
        4 if verdict.quantity in _METRICS else 3
        for verdict in verdicts
        if not verdict.passed and verdict.hints == "error"
    }
    return next((code for code in _EXIT_ORDER if code in codes), 0)


def _judge_limit(
    model: Model, variant: Variant, limit: Limit, measured: VariantMeasurements
) -> Verdict:
    figure = measured.of(limit.quantity)
    return Verdict(
        model=model.id,
        variant=variant.id,
        quantity=limit.quantity,
        comparison="<=",
        limit=float(limit.maximum),
        measured=figure,
        passed=_holds(figure, "<=", limit.maximum),
        hints=limit.hints,
        key=limit.key,
        contributors=_largest(measured.tensors),
    )


def _judge_metric(
    model: Model, variant: Variant, limit: MetricLimit, evaluation: Evaluation | None
) -> Verdict:
    figure = _metric_value(limit.metric, evaluation)
    return Verdict(
        model=model.id,
        variant=variant.id,
        quantity=limit.metric,
        comparison=limit.comparison,
        limit=limit.threshold,
        measured=figure,
        passed=_holds(figure, limit.comparison, limit.threshold),
        hints="error",
        key=limit.key,
    )


def _metric_value(metric: Metric, evaluation: Evaluation | None) -> float | None:
    values = () if evaluation is None else evaluation.metrics
    return next((value.value for value in values if value.metric == metric), None)


def _holds(figure: float | None, comparison: Comparison, limit: float) -> bool:
    # A comparison with NaN is false either way, which is what case 2 asks for.
    if figure is None:
        return False
    return figure <= limit if comparison == "<=" else figure >= limit


def _largest(tensors: tuple[TensorBytes, ...]) -> tuple[tuple[str, int], ...]:
    ordered = sorted(tensors, key=lambda tensor: (-tensor.size_bytes, tensor.name))
    return tuple((_label(tensor), tensor.size_bytes) for tensor in ordered[:_CONTRIBUTORS])


def _label(tensor: TensorBytes) -> str:
    # The reader is named because `nodes_to_exclude` takes node names, and exporters name weights `onnx::MatMul_431`.
    reader = f"{tensor.operator} {tensor.consumer}".strip()
    return (
        f"{tensor.name} ({tensor.dtype}, {reader})" if reader else f"{tensor.name} ({tensor.dtype})"
    )
