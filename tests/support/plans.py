"""A plan of the shape that real projects have, written out step by step."""

from __future__ import annotations

from pathlib import Path

from modelpack.planned import (
    CompressParams,
    EvaluateParams,
    GoldenParams,
    InputRef,
    InspectParams,
    Params,
    Plan,
    ProjectFile,
    QuantizeParams,
    ShakeParams,
    SourceGraph,
    SourceModel,
    SplitParams,
    Step,
    StepKind,
    Upstream,
)
from modelpack.spec.sources import FileSource
from modelpack.spec.variants import Dtype

ROOT = Path("/project")
_SOURCE = FileSource(ROOT / "models" / "digits.onnx")


def digits_plan() -> Plan:
    """One model with a golden set and the variants fp32 and q8."""
    variants = (step for name in ("fp32", "q8") for step in _variant(f"digits@{name}"))
    return Plan((*_model(), *variants))


def _model() -> tuple[Step, ...]:
    samples = ProjectFile("samples", ROOT / "golden" / "digits.npz")
    return (
        _step("inspect", "digits", InspectParams((), (), ()), SourceGraph("model", _SOURCE)),
        _step(
            "shake", "digits", ShakeParams((), ()), SourceModel("model", _SOURCE, "inspect:digits")
        ),
        _step(
            "golden",
            "digits",
            GoldenParams("npz", ()),
            samples,
            Upstream("facts", "inspect:digits", "facts"),
        ),
    )


def _variant(target: str) -> tuple[Step, ...]:
    dtype: Dtype = "fp32" if target.endswith("fp32") else "q8"
    quantized = Upstream("model", f"quantize:{target}", "model")
    return (
        _step(
            "quantize",
            target,
            QuantizeParams(dtype, "wasm", (), 32),
            Upstream("model", "shake:digits", "model"),
        ),
        _step(
            "evaluate",
            target,
            EvaluateParams((), ()),
            SourceModel("reference", _SOURCE, "inspect:digits"),
            quantized,
            Upstream("judge", "golden:digits", "judge"),
        ),
        _step("split", target, SplitParams(4_194_304), quantized),
        Step(
            "compress",
            target,
            CompressParams((("gzip", 9),)),
            (Upstream("chunk", f"split:{target}", "chunk"),),
            mapped_over="chunk",
        ),
    )


def _step(kind: StepKind, target: str, params: Params, *inputs: InputRef) -> Step:
    return Step(kind, target, params, inputs)
