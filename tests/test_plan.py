from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from modelpack.engine.schedule import needs
from modelpack.plan import make_plan, variant_target
from modelpack.planned import (
    CalibrateParams,
    CompressParams,
    ExportParams,
    GoldenParams,
    Plan,
    ProjectFile,
    QuantizeParams,
    SolveParams,
    SourceGraph,
    SourceModel,
    StatisticsParams,
    Step,
    Upstream,
)
from modelpack.spec.limits import Target
from modelpack.spec.project import Form, Host, Mode, Model, Project
from modelpack.spec.sources import CheckpointSource, Export, FileSource
from modelpack.spec.variants import RecipeSettings
from tests.support.projects import make_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project", "pair").declared()


def step(plan: Plan, name: str) -> Step:
    (found,) = [one for one in plan.steps if one.name == name]
    return found


def test_plan_has_every_step_in_order(project: Project) -> None:
    assert [one.name for one in make_plan(project, "production").steps] == [
        "inspect:words",
        "simplify:words",
        "shake:words",
        "golden:words",
        "assets:words",
        "compress:words",
        "quantize:words@q8",
        "compatibility:words@q8",
        "evaluate:words@q8",
        "split:words@q8",
        "compress:words@q8",
        "quantize:words@fp32",
        "compatibility:words@fp32",
        "evaluate:words@fp32",
        "split:words@fp32",
        "compress:words@fp32",
        "inspect:faces",
        "simplify:faces",
        "shake:faces",
        "quantize:faces@fp16",
        "compatibility:faces@fp16",
        "split:faces@fp16",
        "compress:faces@fp16",
    ]


def test_plan_has_each_step_after_those_it_needs(project: Project) -> None:
    seen: set[str] = set()
    for one in make_plan(project, "production").steps:
        assert set(needs(one)) <= seen
        seen.add(one.name)


def test_plan_is_the_same_each_time(project: Project) -> None:
    assert make_plan(project, "production") == make_plan(project, "production")


def checkpoint(model: Model, part: str = "") -> Model:
    source = CheckpointSource(FileSource(Path("/p/bert")), Path("/p/bert"), ("config.json",), part)
    id_ = f"{model.id}.{part}" if part else model.id
    return replace(model, id=id_, source=source, export=Export(opset=17))


def test_plan_of_a_checkpoint_exports_it_first(project: Project) -> None:
    words = checkpoint(project.models[0])
    plan = make_plan(replace(project, models=(words,)), "production")
    assert plan.steps[0].name == "export:words"
    assert plan.steps[0].params == ExportParams(Export(opset=17))
    assert step(plan, "inspect:words").inputs == (Upstream("model", "export:words", "graph"),)
    assert step(plan, "simplify:words").inputs == (Upstream("model", "export:words", "model"),)
    (reference, *_) = step(plan, "evaluate:words@q8").inputs
    assert reference == Upstream("reference", "export:words", "model")


def test_plan_of_two_parts_exports_their_checkpoint_once(project: Project) -> None:
    parts = tuple(checkpoint(project.models[0], part) for part in ("encoder", "decoder"))
    plan = make_plan(replace(project, models=parts), "production")
    assert [one.name for one in plan.steps if one.kind == "export"] == ["export:words"]
    assert step(plan, "inspect:words.decoder").inputs == (
        Upstream("model", "export:words", "decoder-graph"),
    )


def test_plan_without_passes_shakes_the_source_itself(project: Project) -> None:
    words = replace(project.models[0], simplify=False)
    plan = make_plan(replace(project, models=(words,)), "production")
    assert "simplify:words" not in {one.name for one in plan.steps}
    assert step(plan, "shake:words").inputs == (
        SourceModel("model", words.source, "inspect:words"),
    )


def test_plan_wires_inputs_by_role(project: Project) -> None:
    plan = make_plan(project, "production")
    (words, _) = project.models
    assert words.golden is not None
    assert step(plan, "inspect:words").inputs == (SourceGraph("model", words.source),)
    assert step(plan, "golden:words").inputs == (
        ProjectFile("samples", words.golden.samples),
        Upstream("facts", "inspect:words", "facts"),
    )
    assert step(plan, "golden:words").params == GoldenParams("npz", ())
    assert step(plan, "evaluate:words@q8").inputs == (
        SourceModel("reference", words.source, "inspect:words"),
        Upstream("model", "quantize:words@q8", "model"),
        Upstream("judge", "golden:words", "judge"),
    )
    assert step(plan, "quantize:words@q8").params == QuantizeParams("q8", "wasm", (), 32)
    assert step(plan, "compress:words@q8").mapped_over == "chunk"


@pytest.mark.parametrize(
    ("host", "mode", "target", "forms"),
    [
        ("static", "production", "words@q8", (("gzip", 9), ("zstd", 19))),
        ("static", "production", "words@fp32", (("gzip", 9), ("zstd", 19))),
        ("nginx", "production", "words@q8", (("gzip", 9), ("zstd", 19), ("br", 11))),
        ("nginx", "production", "words@fp32", (("gzip", 9), ("zstd", 19))),
        ("nginx", "development", "words@q8", (("br", 9),)),
    ],
)
def test_plan_compresses_as_the_host_serves(
    project: Project, host: Host, mode: Mode, target: str, forms: tuple[tuple[Form, int], ...]
) -> None:
    served = replace(project, output=replace(project.output, host=host))
    assert step(make_plan(served, mode), f"compress:{target}").params == CompressParams(forms)


def test_plan_smallest_compresses_floats_with_brotli_too(project: Project) -> None:
    output = replace(project.output, host="nginx", compression="smallest")
    plan = make_plan(replace(project, output=output), "production")
    assert step(plan, "compress:words@fp32").params == CompressParams(
        (("gzip", 9), ("zstd", 19), ("br", 11))
    )


def test_plan_without_compression_has_no_such_step(project: Project) -> None:
    output = replace(project.output, compression="none")
    plan = make_plan(replace(project, output=output), "production")
    assert [one.name for one in plan.steps if one.kind == "compress"] == []


def test_variant_target_names_model_and_variant(project: Project) -> None:
    model = project.models[0]
    assert variant_target(model, model.variants[0]) == "words@q8"


def test_plan_in_development_stores_chunks_as_they_are(project: Project) -> None:
    plan = make_plan(project, "development")
    assert [one.name for one in plan.steps if one.kind == "compress"] == []


def test_plan_shaped_variant_is_solved_before_it_is_quantized(project: Project) -> None:
    words = project.models[0]
    shaped = replace(words.variants[0], shape="entropy", device="webgpu")
    plan = make_plan(replace(project, models=(replace(words, variants=(shaped,)),)), "production")
    shaken = Upstream("model", "shake:words", "model")
    assert step(plan, "statistics:words").inputs == (shaken, Upstream("fit", "golden:words", "fit"))
    assert step(plan, "statistics:words").params == StatisticsParams(())
    assert step(plan, "solve:words@q8").inputs == (
        shaken,
        Upstream("statistics", "statistics:words", "statistics"),
        Upstream("tune", "golden:words", "tune"),
    )
    assert step(plan, "solve:words@q8").params == SolveParams(
        "webgpu", "entropy", (), (), (Target("cosine", 0.99),)
    )
    assert step(plan, "quantize:words@q8").inputs == (
        shaken,
        Upstream("grids", "solve:words@q8", "grids"),
    )


def test_plan_static_variant_is_calibrated_on_fit_samples_before_it_is_quantized(
    project: Project,
) -> None:
    words = project.models[0]
    settings = RecipeSettings(activations="static", calibrate_method="entropy")
    static = replace(words.variants[0], settings=settings)
    plan = make_plan(replace(project, models=(replace(words, variants=(static,)),)), "production")
    shaken = Upstream("model", "shake:words", "model")
    assert step(plan, "calibrate:words@q8").inputs == (
        shaken,
        Upstream("fit", "golden:words", "fit"),
    )
    assert step(plan, "calibrate:words@q8").params == CalibrateParams("entropy")
    assert step(plan, "quantize:words@q8").inputs == (
        shaken,
        Upstream("ranges", "calibrate:words@q8", "ranges"),
    )


def test_plan_shows_judge_samples_to_the_verdict_alone(project: Project) -> None:
    words = project.models[0]
    shaped = tuple(replace(variant, shape="auto") for variant in words.variants)
    plan = make_plan(replace(project, models=(replace(words, variants=shaped),)), "production")
    judged = {
        one.kind
        for one in plan.steps
        for ref in one.inputs
        if isinstance(ref, Upstream) and ref.output == "judge"
    }
    assert judged == {"evaluate"}


def test_plan_of_another_domain_splits_its_samples_and_evaluates_on_what_nothing_saw(
    project: Project,
) -> None:
    words = project.models[0]
    assert words.golden is not None
    other = Path("golden/reviews.jsonl")
    golden = replace(words.golden, other=other, tokenizer=Path("tokenizer.json"))
    plan = make_plan(replace(project, models=(replace(words, golden=golden),)), "production")
    assert step(plan, "golden:words#other").inputs == (
        ProjectFile("samples", other),
        Upstream("facts", "inspect:words", "facts"),
        ProjectFile("tokenizer", Path("tokenizer.json")),
    )
    assert step(plan, "golden:words#other").params == GoldenParams("jsonl", ())
    assert (
        Upstream("other", "golden:words#other", "judge") in step(plan, "evaluate:words@q8").inputs
    )
    names = [name for name in (one.name for one in plan.steps) if name.startswith("golden:")]
    assert names == ["golden:words", "golden:words#other"]
