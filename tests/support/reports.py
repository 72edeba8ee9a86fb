"""Reports of builds that never were, with figures that repeat."""

from __future__ import annotations

from typing import Literal

from modelpack.record import BuildReport, Evaluation, MetricValue, VariantReport, Verdict
from modelpack.spec.limits import Hints

Status = Literal["built", "unchanged", "failed", "over-budget", "inaccurate", "out-of-date"]


def cosine(value: float, *, worst: float = 0.9, sample: int = 7) -> Evaluation:
    """An evaluation of 40 samples with one metric."""
    return Evaluation(40, (MetricValue("cosine", value, sample, worst),))


def both(cosine_value: float, top1_value: float) -> Evaluation:
    """An evaluation of 40 samples with the two metrics that most golden sets have."""
    return Evaluation(
        40,
        (
            MetricValue("cosine", cosine_value, 7, 0.9),
            MetricValue("top1_agreement", top1_value, 3, 0.0),
        ),
    )


def row(
    model: str = "minilm",
    variant: str = "q8",
    evaluation: Evaluation | None = None,
    notes: tuple[str, ...] = (),
) -> VariantReport:
    """A row with figures of a usual size: 90.4 MB in, 22.9 MB out, 17.4 MB on the wire."""
    return VariantReport(
        model=model,
        variant=variant,
        dtype="q8",
        device="wasm",
        scheme="w8_channel_a8_dyn",
        source_bytes=90_400_000,
        size_bytes=22_900_000,
        download_bytes=17_400_000,
        chunks=8,
        shared=0.28,
        evaluation=evaluation,
        seconds=34.2,
        cached_steps=3,
        steps=12,
        notes=notes,
    )


def over_download(hints: Hints = "error") -> Verdict:
    """A download of 17.4 MB where 14 MB are allowed."""
    return Verdict(
        model="minilm",
        variant="q8",
        quantity="download",
        comparison="<=",
        limit=14_000_000.0,
        measured=17_400_000,
        passed=False,
        hints=hints,
        key="models.minilm.budget.download",
        contributors=(
            ("embeddings.word (int8, Gather /embeddings/Gather)", 11_700_000),
            ("onnx::MatMul_431 (int8, MatMul /encoder/layer.0/ffn/MatMul)", 590_000),
            ("onnx::MatMul_432 (int8, MatMul /encoder/layer.0/ffn/MatMul_1)", 590_000),
        ),
    )


def inaccurate(measured: float | None = 0.962) -> Verdict:
    """A cosine where at least 0.99 is asked for."""
    return Verdict(
        model="minilm",
        variant="q8",
        quantity="cosine",
        comparison=">=",
        limit=0.99,
        measured=measured,
        passed=False,
        hints="error",
        key="models.minilm.golden.metrics.cosine",
    )


def report(
    *variants: VariantReport,
    status: Status = "built",
    verdicts: tuple[Verdict, ...] = (),
    errors: tuple[str, ...] = (),
) -> BuildReport:
    """A whole build of 48.3 seconds."""
    published = status in {"built", "unchanged"}
    return BuildReport(
        status=status,
        manifest="public/models/manifest.json" if published else "",
        manifest_sha256="ab" * 32 if published else "",
        variants=variants,
        verdicts=verdicts,
        errors=errors,
        seconds=48.3,
    )
