"""Limits × measurements → verdicts. Pure: the same figures always give the same verdict, whatever the cache held.

1. Every declared limit gives exactly one verdict, in the order it was declared: budgets first, then accuracy.
2. What was not measured fails; so does a figure that is not a number.
3. A limit is met when the figure equals it.
4. A limit against a baseline that has no such variant is not judged: it holds, with a note that says why.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from msgspec import Struct

from modelpack.errors import ModelpackError
from modelpack.judge.load_time import load_time_s
from modelpack.published import PublishedVariant
from modelpack.record import Evaluation, TensorBytes, Verdict
from modelpack.spec.limits import Comparison, Growth, Limit, MetricLimit, Network
from modelpack.spec.project import Model
from modelpack.spec.variants import Variant

_CONTRIBUTORS = 3
_NO_BASELINE = "no baseline has this variant; `modelpack baseline update` writes one"
_TIMES = frozenset({"latency_p50", "latency_p95", "first_inference"})
_EXIT_ORDER = (7, 2, 6, 1, 5, 4, 3)  # docs/architecture.md, "Exit codes": the first that applies


class VariantMeasurements(Struct, frozen=True):
    """What is known of one variant: bytes on the wire, decoded bytes, chunks (None: not measured), and its weights.

    `assets` are the wire bytes of each asset of its model by name; None: not measured.

    `transfers` are the wire bytes of each chunk by hash, in the order they are fetched; `largest` its heaviest weights,
    where `tensors` are not at hand. `baseline` is what is committed of the variant. `measured` are figures of a browser
    (bytes of memory, seconds), `slowest` the operators that take most of the time with their shares.
    """

    download_bytes: int | None
    size_bytes: int | None
    chunks: int | None
    tensors: tuple[TensorBytes, ...] = ()
    transfers: tuple[tuple[str, int], ...] = ()
    manifest_bytes: int = 0
    largest: tuple[tuple[str, int], ...] = ()
    baseline: PublishedVariant | None = None
    assets: Mapping[str, int] | None = None
    measured: Mapping[str, float] = MappingProxyType({})
    slowest: tuple[tuple[str, float], ...] = ()


def judge_variant(
    model: Model, variant: Variant, measured: VariantMeasurements, evaluation: Evaluation | None
) -> tuple[Verdict, ...]:
    """One verdict for each limit of the variant, and for each accuracy limit of the model's golden set."""
    budgets = (_judge_limit(model, variant, limit, measured) for limit in variant.budget)
    limits = () if model.golden is None else model.golden.metrics
    accuracy = (
        _judge_metric(model, variant, _absolute(limit, measured.baseline), evaluation)
        for limit in limits
    )
    return (*budgets, *accuracy)


def exit_code(verdicts: Iterable[Verdict], errors: Iterable[ModelpackError]) -> int:
    """The process's exit code: of all that apply, the first of 7, 2, 6, 1, 5, 4, 3. Warnings do not count."""
    codes = {error.exit_code for error in errors}
    codes |= {
        4 if verdict.is_accuracy else 3
        for verdict in verdicts
        if not verdict.passed and verdict.hints == "error"
    }
    return next((code for code in _EXIT_ORDER if code in codes), 0)


def _judge_limit(
    model: Model, variant: Variant, limit: Limit, measured: VariantMeasurements
) -> Verdict:
    figure = _figure(limit, measured)
    before = None if measured.baseline is None else _before(limit, measured.baseline)
    is_judged = not needs_baseline(limit) or _has_baseline(limit, measured.baseline)
    maximum = _maximum(limit, before) if is_judged else (figure or 0.0)
    return Verdict(
        model=model.id,
        variant=variant.id,
        quantity=f"load_time.{limit.network.name}" if limit.network else limit.quantity,
        comparison="<=",
        limit=float(maximum),
        measured=figure,
        passed=_holds(figure, "<=", maximum) or not is_judged,
        hints=limit.hints,
        key=limit.key,
        contributors=_contributors(limit, measured),
        operators=measured.slowest if limit.quantity in _TIMES else (),
        baseline=before if isinstance(limit.maximum, Growth) else None,
        note="" if is_judged else _NO_BASELINE,
    )


def needs_baseline(limit: Limit) -> bool:
    """Whether the limit is against what is committed."""
    return limit.quantity == "update" or isinstance(limit.maximum, Growth)


def _has_baseline(limit: Limit, baseline: PublishedVariant | None) -> bool:
    return baseline is not None and (
        limit.quantity == "update" or _before(limit, baseline) is not None
    )


def _figure(limit: Limit, measured: VariantMeasurements) -> float | None:
    """The figure that the budget limits."""
    known: dict[str, float | None] = {
        **measured.measured,
        "download": measured.download_bytes,
        "size": measured.size_bytes,
        "chunks": measured.chunks,
        "assets": None if measured.assets is None else sum(measured.assets.values()),
        "update": _update_share(measured),
        "load_time": _load_time_s(limit.network, measured),
    }
    return known.get(limit.quantity)


def _load_time_s(network: Network | None, measured: VariantMeasurements) -> float | None:
    if network is None or measured.chunks is None:
        return None
    sizes = [size_bytes for _, size_bytes in measured.transfers]
    return load_time_s(measured.manifest_bytes, sizes, network)


def _update_share(measured: VariantMeasurements) -> float | None:
    """The share of its bytes on the wire that somebody who has the baseline's chunks of the variant fetches again."""
    if measured.baseline is None or measured.chunks is None:
        return None
    sizes = dict(measured.transfers)
    total_bytes = sum(sizes.values())
    return sum(_new_chunks(measured).values()) / total_bytes if total_bytes else 0.0


def _new_chunks(measured: VariantMeasurements) -> dict[str, int]:
    held = measured.baseline.chunks if measured.baseline else {}
    return {chunk: size for chunk, size in measured.transfers if chunk not in held}


def _before(limit: Limit, baseline: PublishedVariant) -> float | None:
    figures: dict[str, float] = {
        **baseline.measured,
        "download": baseline.download_bytes,
        "size": baseline.size_bytes,
        "chunks": len(baseline.chunks),
        "assets": sum(baseline.assets.values()),
    }
    return figures.get(limit.quantity)


def _maximum(limit: Limit, before: float | None) -> float:
    if isinstance(limit.maximum, Growth):
        maximum = (before or 0.0) * (1 + limit.maximum.share)
        # Whole bytes and counts: what `+0%` allows is exactly the baseline.
        return maximum if limit.quantity in _TIMES else math.floor(maximum + 1e-6)
    return limit.maximum


def _contributors(limit: Limit, measured: VariantMeasurements) -> tuple[tuple[str, int], ...]:
    if limit.quantity in _TIMES:
        return ()
    if limit.quantity == "update":
        new = sorted(_new_chunks(measured).items(), key=lambda chunk: (-chunk[1], chunk[0]))
        return tuple((f"chunk {name[:12]}…", size) for name, size in new[:_CONTRIBUTORS])
    if limit.quantity == "assets":
        ordered = sorted((measured.assets or {}).items(), key=lambda asset: (-asset[1], asset[0]))
        return tuple(ordered[:_CONTRIBUTORS])
    return largest_tensors(measured.tensors) or measured.largest


class _AbsoluteLimit(Struct, frozen=True):
    """An accuracy limit with the figure it follows from; `value` None: there is none to follow from."""

    limit: MetricLimit
    value: float | None
    before: float | None = None


def _absolute(limit: MetricLimit, baseline: PublishedVariant | None) -> _AbsoluteLimit:
    if not limit.is_relative:
        return _AbsoluteLimit(limit, limit.threshold)
    before = baseline.accuracy.get(limit.metric) if baseline else None
    if before is None:
        return _AbsoluteLimit(limit, None)
    return _AbsoluteLimit(limit, round(before + limit.threshold, 12), before)


def _judge_metric(
    model: Model, variant: Variant, absolute: _AbsoluteLimit, evaluation: Evaluation | None
) -> Verdict:
    limit = absolute.limit
    figure = _metric_value(limit.metric, evaluation)
    is_judged = absolute.value is not None
    value = (figure or 0.0) if absolute.value is None else absolute.value
    return Verdict(
        model=model.id,
        variant=variant.id,
        quantity=limit.metric,
        comparison=limit.comparison,
        limit=value,
        measured=figure,
        passed=_holds(figure, limit.comparison, value) or not is_judged,
        hints="error",
        key=limit.key,
        baseline=absolute.before,
        note="" if is_judged else _NO_BASELINE,
    )


def _metric_value(metric: str, evaluation: Evaluation | None) -> float | None:
    values = () if evaluation is None else evaluation.metrics
    return next((value.value for value in values if value.metric == metric), None)


def _holds(figure: float | None, comparison: Comparison, limit: float) -> bool:
    # A comparison with NaN is false either way, which is what case 2 asks for.
    if figure is None:
        return False
    return figure <= limit if comparison == "<=" else figure >= limit


def largest_tensors(tensors: tuple[TensorBytes, ...]) -> tuple[tuple[str, int], ...]:
    """The three heaviest weights, each with its format and its reader."""
    ordered = sorted(tensors, key=lambda tensor: (-tensor.size_bytes, tensor.name))
    return tuple((_label(tensor), tensor.size_bytes) for tensor in ordered[:_CONTRIBUTORS])


def _label(tensor: TensorBytes) -> str:
    # The reader is named because `nodes_to_exclude` takes node names, and exporters name weights `onnx::MatMul_431`.
    reader = f"{tensor.operator} {tensor.consumer}".strip()
    return (
        f"{tensor.name} ({tensor.dtype}, {reader})" if reader else f"{tensor.name} ({tensor.dtype})"
    )
