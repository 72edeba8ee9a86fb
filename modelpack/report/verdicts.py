"""Limits that do not hold: measured, limit, difference, what weighs most, and the place to change."""

from __future__ import annotations

import math

from modelpack.record import BuildReport, Evaluation, MetricValue, Verdict
from modelpack.report.palette import Palette, plain
from modelpack.report.words import count, one_line
from modelpack.units import format_latency, format_seconds, format_share, format_size

_BOUNDS = {"<=": "at most", ">=": "at least"}
_BYTES = frozenset({"download", "size", "assets", "memory"})
_TIMES = frozenset({"latency_p50", "latency_p95", "first_inference"})
_PHRASES = {
    "download": "downloads {}",
    "size": "unpacks to {}",
    "chunks": "has {} chunks",
    "assets": "has assets of {} on the wire",
    "memory": "takes {} of memory at its peak",
    "latency_p50": "takes {} for half of its inferences",
    "latency_p95": "takes up to {} for 95 % of its inferences",
    "first_inference": "takes {} for its first inference",
    "update": "makes returning users fetch {} of it again",
}
_SMALLER = "a smaller dtype for {target}"
_REMEDIES = {
    "download": _SMALLER,
    "size": _SMALLER,
    "memory": _SMALLER,
    "chunks": "a larger chunk_size",
    "assets": "smaller assets (a tokenizer without unused tokens)",
    "update": "keep what did not change (same dtype, chunk_size and order)",
    "load_time": _SMALLER,
    **dict.fromkeys(_TIMES, "a smaller dtype or another device for {target}"),
}
_REMEDY_ACCURACY = "dtype or nodes_to_exclude of {target}"
_LOAD_TIME = "load_time."


def failures_text(report: BuildReport, palette: Palette = plain) -> str:
    """A block for each limit of the build that does not hold, in the order they were judged."""
    evaluations = {(row.model, row.variant): row.evaluation for row in report.variants}
    return "\n".join(
        verdict_text(verdict, evaluations.get((verdict.model, verdict.variant)), palette)
        for verdict in report.verdicts
        if not verdict.passed
    )


def verdict_text(
    verdict: Verdict, evaluation: Evaluation | None = None, palette: Palette = plain
) -> str:
    """The block for one limit that does not hold; the evaluation gives the worst sample."""
    code = _code(verdict)
    is_error = verdict.hints == "error"
    label = palette("bad", code) if is_error else palette("warning", f"warning {code}")
    details = (
        *_contributors(verdict),
        *_operators(verdict),
        *_worst(verdict, evaluation),
        _remedy(verdict),
    )
    return "\n".join((f"{label} {_sentence(verdict)}", *(f"  {line}" for line in details))) + "\n"


def _code(verdict: Verdict) -> str:
    if verdict.measured is None:
        return "MP-E602"
    return "MP-E510" if verdict.is_accuracy else "MP-E601"


def _sentence(verdict: Verdict) -> str:
    key, target = one_line(verdict.key), one_line(verdict.target)
    limit = f"{_BOUNDS[verdict.comparison]} {_limit(verdict)}"
    if verdict.measured is None:
        return f"{key}: {target} has no measured {verdict.quantity}; expected {limit}"
    measured = _phrase(verdict.quantity).format(figure_text(verdict.quantity, verdict.measured))
    return f"{key}: {target} {measured}; expected {limit}{_difference(verdict)}"


def _difference(verdict: Verdict) -> str:
    difference = abs((verdict.measured or 0.0) - verdict.limit)
    if not math.isfinite(difference):
        return ""
    side = "over" if verdict.comparison == "<=" else "under"
    # Two digits of a difference say enough, and hide the rounding of the subtraction.
    is_share = verdict.is_accuracy
    shown = f"{difference:.2g}" if is_share else figure_text(verdict.quantity, difference)
    return f" ({shown} {side})"


def figure_text(quantity: str, figure: float) -> str:
    """The figure in the unit of its quantity."""
    if math.isnan(figure):
        return "NaN"
    if quantity in _BYTES:
        return format_size(int(figure))
    if quantity.startswith(_LOAD_TIME):
        return format_seconds(figure)
    if quantity in _TIMES:
        return format_latency(figure)
    if quantity == "update":
        return f"{figure * 100:.1f} %"
    short = f"{figure:.6g}"
    # A cosine of 0.9999999 that breaks a limit of 1 must not read 1.
    is_rounded_away = float(short).is_integer() and float(short) != figure
    return f"{figure:.12g}" if is_rounded_away else short


def _phrase(quantity: str) -> str:
    if quantity.startswith(_LOAD_TIME):
        return f"loads in {{}} on {quantity.removeprefix(_LOAD_TIME)}"
    return _PHRASES.get(quantity, f"has {quantity.replace('{', '{{').replace('}', '}}')} {{}}")


def _limit(verdict: Verdict) -> str:
    limit = figure_text(verdict.quantity, verdict.limit)
    if verdict.baseline is None:
        return limit
    if verdict.is_accuracy:
        before = figure_text(verdict.quantity, verdict.baseline)
        return f"{limit}, {abs(verdict.limit - verdict.baseline):.3g} from the baseline's {before}"
    share = (verdict.limit / verdict.baseline - 1) * 100 if verdict.baseline else 0.0
    return f"{limit}, {share:+.3g} % on the baseline's {figure_text(verdict.quantity, verdict.baseline)}"


def _contributors(verdict: Verdict) -> tuple[str, ...]:
    sizes = [format_size(size_bytes) for _, size_bytes in verdict.contributors]
    width = max(map(len, sizes), default=0)
    return tuple(
        f"{'' if index else 'largest':<9}{size:>{width}}  {one_line(name)}"
        for index, (size, (name, _)) in enumerate(zip(sizes, verdict.contributors, strict=True))
    )


def _operators(verdict: Verdict) -> tuple[str, ...]:
    return tuple(
        f"{'' if index else 'slowest':<9}{format_share(share):>5}  {one_line(name)}"
        for index, (name, share) in enumerate(verdict.operators)
    )


def _worst(verdict: Verdict, evaluation: Evaluation | None) -> tuple[str, ...]:
    metric = _metric(verdict, evaluation)
    if evaluation is None or metric is None:
        return ()
    figure = figure_text(verdict.quantity, metric.worst_value)
    samples = count(evaluation.samples, "sample")
    return (f"worst    sample {metric.worst_sample}: {figure} ({samples} judged)",)


def _metric(verdict: Verdict, evaluation: Evaluation | None) -> MetricValue | None:
    values = () if evaluation is None else evaluation.metrics
    return next((metric for metric in values if metric.metric == verdict.quantity), None)


def _remedy(verdict: Verdict) -> str:
    key, target = one_line(verdict.key), one_line(verdict.target)
    if verdict.measured is None:
        command = "bench" if verdict.quantity in {"memory", *_TIMES} else "build"
        return f"measure  run `modelpack {command} {target}`, or remove the limit {key}"
    remedy = _REMEDIES.get(verdict.quantity.split(".")[0], _REMEDY_ACCURACY)
    return f"change   {remedy.format(target=target)}, or the limit {key}"
