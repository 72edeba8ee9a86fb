from __future__ import annotations

import json
from pathlib import Path

from modelpack.report.models import models_json, models_text
from modelpack.spec.golden import Golden
from modelpack.spec.limits import Limit, MetricLimit
from modelpack.spec.project import CacheSettings, Model, OutputSettings, Project
from modelpack.spec.sources import FileSource, NpmSource, Source
from modelpack.spec.variants import Variant
from tests.support.golden import assert_golden

ROOT = Path("/project")
LIMITS = (
    Limit("download", 14_000_000, "error", "models.minilm.budget.download"),
    Limit("chunks", 60, "error", "models.minilm.budget.chunks"),
)
GOLDEN = Golden(
    ROOT / "golden.npz",
    None,
    (MetricLimit("cosine", ">=", 0.99, "k"), MetricLimit("max_abs_error", "<=", 0.5, "k")),
)


def model(name: str, source: Source, golden: Golden | None, *variants: Variant) -> Model:
    return Model(
        id=name,
        source=source,
        outputs=(),
        free_dimensions=(),
        state=(),
        assets=(),
        load="lazy",
        group=None,
        simplify=True,
        chunk_size_bytes=4_194_304,
        golden=golden,
        variants=variants,
    )


def project(*models: Model) -> Project:
    return Project(
        config=ROOT / "modelpack.toml",
        workspace=ROOT,
        output=OutputSettings(
            ROOT / "public" / "models", "static", 1, None, compression="balanced"
        ),
        cache=CacheSettings(ROOT / ".modelpack" / "cache", 1, 1.0),
        models=models,
    )


TWO = project(
    model(
        "minilm",
        FileSource(ROOT / "models" / "minilm.onnx"),
        GOLDEN,
        Variant("fp32", "fp32", "wasm", (), 32, ()),
        Variant("q8", "q8", "wasm", (), 32, LIMITS),
    ),
    model(
        "vad",
        NpmSource("@acme/models", "vad.onnx", ROOT),
        None,
        Variant("fp16", "fp16", "webgpu", (), 32, ()),
    ),
)


def test_models_text_lists_variants_with_their_limits() -> None:
    assert_golden("report/list.txt", models_text(TWO))


def test_models_json_repeats_the_model_in_every_entry() -> None:
    found = json.loads(models_json(TWO))["variants"]
    assert [entry["model"] for entry in found] == ["minilm", "minilm", "vad"]
    assert found[1] == {
        "model": "minilm",
        "source": "models/minilm.onnx",
        "variant": "q8",
        "dtype": "q8",
        "device": "wasm",
        "limits": ["download ≤ 14.0 MB", "chunks ≤ 60", "cosine ≥ 0.99", "max_abs_error ≤ 0.5"],
    }


def test_models_text_of_no_models_is_its_heading() -> None:
    assert models_text(project()) == "model  source  variant  dtype  device  limits\n"
