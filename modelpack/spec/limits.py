"""What a project limits: bytes, times and accuracy, with the place where each limit is written."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

Hints = Literal["error", "warning"]


MeasuredQuantity = Literal["memory", "latency_p50", "latency_p95", "first_inference"]


Quantity = Literal["download", "size", "chunks", "assets", "update", "load_time"] | MeasuredQuantity


Metric = Literal[
    "cosine",
    "max_abs_error",
    "mean_abs_error",
    "sqnr",
    "kl_divergence",
    "top1_agreement",
    "top5_agreement",
    "retrieval_agreement",
    "box_iou",
    "token_agreement",
    "perplexity",
    "accuracy",
    "f1",
]


Comparison = Literal[">=", "<="]


class Growth(Struct, frozen=True):
    """A limit that moves with the committed baseline: at most `share` more (0.02: two per cent), or less if negative."""

    share: float


class Network(Struct, frozen=True):
    """A network that load times are computed for. `latency_s` is the round trip."""

    name: str
    bandwidth_bits_per_s: float
    latency_s: float


class Limit(Struct, frozen=True):
    """One budget: `quantity` may be at most `maximum` (bytes, a count, a share or seconds). `key` is where the user wrote it.

    `network` is set for `load_time`, and for nothing else.
    """

    quantity: Quantity
    maximum: float | Growth
    hints: Hints
    key: str
    network: Network | None = None


class MetricLimit(Struct, frozen=True):
    """One accuracy limit. `metric` is a Metric or `python:module:function`; `key` is where the user wrote it.

    If it is relative, `threshold` is added to the committed baseline's figure.
    """

    metric: str
    comparison: Comparison
    threshold: float
    key: str
    is_relative: bool = False


class MetricFunction(Struct, frozen=True):
    """A metric of the project's own: `function` in the file at `path`. `name` is how the user wrote it."""

    name: str
    path: Path
    function: str


class Target(Struct, frozen=True):
    """What a search must reach on the tune samples: the same limit without the place where it is written."""

    metric: Metric
    threshold: float
