from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from onnx import TensorProto, helper

from modelpack.publish.check import check_published
from tests.support.builds import published, warm
from tests.support.cli import Answer, modelpack
from tests.support.golden import assert_golden
from tests.support.onnx_models import write
from tests.support.projects import Project, make_project
from tests.support.runtimes import install_runtime


def build(project: Project, *argv: str) -> Answer:
    return modelpack("build", *argv, "-C", project.folder)


def variants(project: Project) -> list[str]:
    models = json.loads((project.output / "manifest.json").read_bytes())["models"]
    return [f"{name}@{one['id']}" for name, model in models.items() for one in model["variants"]]


def test_build_publishes_and_says_what(project: Project) -> None:
    answer = build(project)
    assert (answer.code, answer.out) == (0, "")
    assert "words  q8       11.4 kB" in answer.err
    assert "\nbuilt 3 variants of 2 models in " in answer.err
    assert answer.err.endswith(": public/models/manifest.json\n")
    assert variants(project) == ["faces@fp16", "words@q8", "words@fp32"]
    check_published(project.output)


def test_build_again_says_nothing_changed(project: Project) -> None:
    build(project)
    answer = build(project)
    assert (answer.code, answer.out) == (0, "")
    assert answer.err == "nothing changed: public/models/manifest.json\n"


def test_build_again_without_the_fast_path_says_nothing_changed(project: Project) -> None:
    build(project)
    shutil.rmtree(project.cache / "fast")
    answer = build(project)
    assert answer.code == 0
    assert "\nnothing changed, checked in " in answer.err


def test_build_writes_types(project: Project) -> None:
    build(project)
    assert '"words"' in (project.folder / "src" / "models.d.ts").read_text()


def test_build_quiet_says_nothing(project: Project) -> None:
    assert build(project, "-q") == Answer(0, "", "")
    assert build(project, "-q") == Answer(0, "", "")
    assert build(project, "--quiet", "--force", "words@nothing").err.startswith("MP-E116 ")


def test_build_json_is_the_report(project: Project) -> None:
    answer = build(project, "--json")
    report = json.loads(answer.out)
    assert answer.code == 0
    assert report["status"] == "built"
    assert report["manifest"] == "public/models/manifest.json"
    assert [row["variant"] for row in report["variants"]] == ["q8", "fp32", "fp16"]
    assert len(report["verdicts"]) == 6
    assert report["errors"] == []


@pytest.mark.parametrize("words", [["--json"], ["--json", "report"], ["--json=report"]])
def test_build_json_again_is_the_same_but_for_its_status(
    project: Project, words: list[str]
) -> None:
    first, second = (json.loads(build(project, *words).out) for _ in range(2))
    assert (first.pop("status"), second.pop("status")) == ("built", "unchanged")
    assert first.pop("seconds") > second.pop("seconds") >= 0
    assert second == first


@pytest.mark.parametrize("words", [["--json=stream"], ["--json", "stream"]])
def test_build_stream_ends_with_the_report(project: Project, words: list[str]) -> None:
    answer = build(project, *words)
    *events, last = [json.loads(line) for line in answer.out.splitlines()]
    assert {event["event"] for event in events} == {"step"}
    assert {event["state"] for event in events} == {"cached"}
    assert len(events) == 23
    assert last["event"] == "report"
    assert last["report"]["status"] == "built"


@pytest.mark.parametrize("words", [["--json=stream"], ["--json", "stream"]])
def test_build_stream_with_nothing_to_do_is_the_report(project: Project, words: list[str]) -> None:
    build(project, *words)
    (line,) = build(project, *words).out.splitlines()
    assert json.loads(line)["event"] == "report"
    assert json.loads(line)["report"]["status"] == "unchanged"


def test_build_dry_run_of_a_fresh_project_is_golden(tmp_path: Path) -> None:
    fresh = make_project(tmp_path / "fresh", "pair")
    answer = build(fresh, "--dry-run")
    assert (answer.code, answer.err) == (0, "")
    assert_golden("cli/dry-run.txt", answer.out)
    assert not fresh.output.exists()


def test_build_dry_run_after_an_edit_says_what_runs(project: Project) -> None:
    project.edit("[models.words.variants]", "[models.words.variants]\nfp16 = {}")
    answer = build(project, "-n", "--json")
    steps = json.loads(answer.out)["steps"]
    assert {step["step"]: step["state"] for step in steps if step["state"] != "cached"} == {
        "quantize:words@fp16": "run",
        "compatibility:words@fp16": "unknown",
        "evaluate:words@fp16": "unknown",
        "split:words@fp16": "unknown",
        "compress:words@fp16": "unknown",
    }


def test_build_of_one_variant_keeps_the_others_published(project: Project) -> None:
    build(project)
    project.edit("[models.words.variants]", '[models.words.variants]\nextra = { dtype = "fp32" }')
    warm(project)
    assert build(project, "words@extra").code == 0
    assert variants(project) == ["faces@fp16", "words@extra", "words@q8", "words@fp32"]
    check_published(project.output)
    merged = published(project)
    assert build(project).code == 0
    assert published(project) == merged


def test_build_of_one_model_into_nothing_publishes_only_it(project: Project) -> None:
    assert build(project, "faces").code == 0
    assert variants(project) == ["faces@fp16"]


def test_build_of_one_model_drops_what_is_no_longer_configured(project: Project) -> None:
    build(project)
    project.edit('fp32 = { device = "wasm" }', "")
    assert build(project, "faces").code == 0
    assert variants(project) == ["faces@fp16", "words@q8"]


def test_build_of_a_glob_builds_what_it_names(project: Project) -> None:
    assert build(project, "*@fp*").code == 0
    assert variants(project) == ["faces@fp16", "words@fp32"]


@pytest.fixture
def broken(project: Project) -> Project:
    (project.folder / "models" / "faces.onnx").write_bytes(b"")
    return project


def test_build_with_a_failed_model_publishes_nothing(broken: Project) -> None:
    answer = build(broken)
    assert (answer.code, answer.out) == (1, "")
    assert "MP-E204 " in answer.err
    assert answer.err.endswith("; nothing was published\n")
    assert not broken.output.exists()


def test_build_keep_going_publishes_only_complete_models(broken: Project) -> None:
    answer = build(broken, "--keep-going")
    assert answer.code == 1
    assert "MP-E204 " in answer.err
    assert variants(broken) == ["words@q8", "words@fp32"]
    check_published(broken.output)


def test_build_keep_going_leaves_out_a_model_with_one_failed_variant(project: Project) -> None:
    project.edit(
        'q8 = { device = "wasm" }',
        'q8 = { device = "wasm" }\nnone = { dtype = "q8", nodes_to_exclude = ["*"] }',
    )
    answer = build(project, "-k")
    assert answer.code == 1
    assert "quantize:words@none" in answer.err
    assert variants(project) == ["faces@fp16"]
    check_published(project.output)


def test_build_keep_going_leaves_the_published_model_that_fails_now(project: Project) -> None:
    build(project)
    (project.folder / "models" / "faces.onnx").write_bytes(b"")
    assert build(project, "-k").code == 1
    assert variants(project) == ["faces@fp16", "words@q8", "words@fp32"]


def test_build_frozen_with_nothing_published_exits_5(project: Project) -> None:
    answer = build(project, "--frozen")
    assert (answer.code, answer.out) == (5, "")
    assert "MP-E720 " in answer.err
    assert not project.output.exists()


def test_build_frozen_of_what_is_published_exits_0(project: Project) -> None:
    build(project)
    answer = build(project, "--frozen")
    assert (answer.code, answer.out) == (0, "")


def test_build_frozen_after_a_change_exits_5_and_leaves_everything(project: Project) -> None:
    build(project)
    before = published(project)
    project.edit('load = "eager"', 'load = "lazy"')
    answer = build(project, "--frozen")
    assert answer.code == 5
    assert "is not what a build gives — run `modelpack build`" in answer.err
    assert answer.err.endswith("out of date, and --frozen builds nothing; nothing was published\n")
    assert published(project) == before


def test_build_frozen_with_a_missing_chunk_exits_5(project: Project) -> None:
    build(project)
    chunk = next((project.output / "c").iterdir())
    chunk.unlink()
    answer = build(project, "--frozen")
    assert answer.code == 5
    assert f"MP-E720 {chunk}: " in answer.err


def test_build_over_budget_says_everything_and_publishes_nothing(project: Project) -> None:
    project.edit('download = "40 kB"', 'download = "8 kB"')
    answer = build(project)
    assert (answer.code, answer.out) == (3, "")
    assert not project.output.exists()
    assert_golden("cli/over-budget.txt", answer.err[answer.err.index("\n\n") :])


def test_build_over_budget_leaves_the_previous_pack(project: Project) -> None:
    build(project)
    before = published(project)
    project.edit('download = "40 kB"', 'download = "8 kB"')
    assert build(project).code == 3
    assert published(project) == before
    assert build(project).code == 3


def test_build_over_budget_is_loud_even_if_quiet(project: Project) -> None:
    project.edit('download = "40 kB"', 'download = "8 kB"')
    answer = build(project, "-q")
    assert (answer.code, answer.out) == (3, "")
    assert "MP-E601 " in answer.err


def test_build_over_a_warning_publishes_and_warns_each_time(project: Project) -> None:
    project.edit("chunks = 8", 'chunks = 8\nhints = "warning"')
    project.edit('download = "40 kB"', 'download = "8 kB"')
    first, second = build(project), build(project)
    assert (first.code, second.code) == (0, 0)
    assert "words@fp32" in second.err
    assert "nothing changed: public/models/manifest.json\n" in second.err
    check_published(project.output)


def test_build_development_mode_only_warns(project: Project) -> None:
    project.edit('download = "40 kB"', 'download = "8 kB"')
    warm(project, "development")
    answer = build(project, "--mode", "development")
    assert answer.code == 0
    assert "words@fp32" in answer.err
    check_published(project.output)
    assert build(project).code == 3


def test_build_inaccurate_exits_4_and_publishes_nothing(project: Project) -> None:
    project.edit('cosine = ">= 0.99"', 'max_abs_error = "<= 0.000001"')
    answer = build(project)
    assert (answer.code, answer.out) == (4, "")
    assert "MP-E510 " in answer.err
    assert "words@q8" in answer.err
    assert "models.words.golden.metrics.max_abs_error" in answer.err
    assert not project.output.exists()


def test_build_inaccurate_and_over_budget_exits_4(project: Project) -> None:
    project.edit('cosine = ">= 0.99"', 'max_abs_error = "<= 0.000001"')
    project.edit('download = "40 kB"', 'download = "8 kB"')
    assert build(project).code == 4


def test_build_force_runs_every_step_and_gives_the_same(project: Project) -> None:
    build(project)
    before = published(project)
    report = json.loads(build(project, "--force", "--json").out)
    assert report["status"] == "built"
    assert {row["cachedSteps"] for row in report["variants"]} == {0}
    assert published(project) == before


def test_build_heals_a_flipped_published_chunk(project: Project) -> None:
    build(project)
    before = published(project)
    chunk = next((project.output / "c").iterdir())
    chunk.chmod(0o644)
    chunk.write_bytes(bytes(len(chunk.read_bytes())))
    assert build(project).code == 0
    assert published(project) == before


@pytest.mark.parametrize(
    ("no_color", "force_color", "is_colored"),
    [("", "1", True), ("1", "1", False), ("", "", False), ("", "0", False)],
)
def test_build_colors_follow_the_environment(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    no_color: str,
    force_color: str,
    is_colored: bool,
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("FORCE_COLOR", force_color)
    assert ("\x1b[" in build(project).err) is is_colored


def test_build_writes_the_host_file_and_frozen_checks_it(project: Project) -> None:
    project.edit(
        'path = "public/models"',
        'path = "public/models"\nhost = "netlify"\nhost_file = "public/_headers"',
    )
    headers = project.folder / "public" / "_headers"
    assert modelpack("build", "-C", project.folder).code == 0
    assert "/models/c/*\n" in headers.read_text()
    assert modelpack("build", "--frozen", "-C", project.folder).code == 0
    headers.write_text("/\n  X: y\n")
    assert modelpack("build", "--frozen", "-C", project.folder).code == 5
    assert modelpack("build", "-C", project.folder).code == 0
    assert headers.read_text().startswith("/\n  X: y\n# modelpack: ")


def test_build_for_a_host_writes_its_file_and_leaves_that_of_others_alone(project: Project) -> None:
    project.edit('path = "public/models"', 'path = "public/models"\nhost = "netlify"')
    headers = project.folder / "public" / "_headers"
    assert modelpack("build", "-C", project.folder).code == 0
    assert "/models/c/*\n" in headers.read_text()
    headers.unlink()
    assert modelpack("build", "-C", project.folder).code == 0
    assert "/models/c/*\n" in headers.read_text()  # what a host needs is published like everything
    headers.write_text("/\n  X: y\n")
    answer = modelpack("build", "-C", project.folder)
    assert (answer.code, headers.read_text()) == (0, "/\n  X: y\n")
    assert "warning: _headers is yours and stays as it is" in answer.err
    assert modelpack("build", "--frozen", "-C", project.folder).code == 0


def test_build_host_file_that_is_a_link_is_left_alone(project: Project) -> None:
    project.edit('path = "public/models"', 'path = "public/models"\nhost = "vercel"')
    (project.folder / "shared.json").write_text("{}")
    link = project.folder / "vercel.json"
    link.symlink_to("shared.json")
    assert "vercel.json is yours" in modelpack("build", "-C", project.folder).err
    assert link.is_symlink()
    project.edit('host = "vercel"', 'host = "vercel"\nhost_file = "vercel.json"')
    answer = modelpack("build", "-C", project.folder)
    assert (answer.code, answer.err[: answer.err.index(" ")]) == (1, "MP-E702")
    assert (project.folder / "shared.json").read_text() == "{}"


def test_build_host_file_false_writes_none(project: Project) -> None:
    project.edit(
        'path = "public/models"', 'path = "public/models"\nhost = "nginx"\nhost_file = false'
    )
    assert modelpack("build", "-C", project.folder).code == 0
    assert not (project.folder / "modelpack.nginx.conf").exists()


def test_build_with_nothing_to_do_looks_again_when_the_runtime_is_another(
    project: Project,
) -> None:
    assert build(project).code == 0
    install_runtime(project.folder)
    answer = build(project)
    assert "compatibility:words@q8" in answer.err
    assert "is not in node_modules" not in answer.err
    package = project.folder / "node_modules" / "onnxruntime-web" / "package.json"
    package.write_text(package.read_text().replace("1.30.0", "9.9.9"))
    assert "onnxruntime-web 9.9.9 is not among the releases" in build(project).err


def test_build_names_what_falls_back_and_takes_a_reason_into_the_stats(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    (folder / "models").mkdir(parents=True)
    values = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("Relu", ["x"], ["r"], "relu"),
            helper.make_node("NonZero", ["r"], ["y"], "/last"),
        ],
        "g",
        [values("x", TensorProto.FLOAT, [2, 3])],
        [values("y", TensorProto.INT64, [2, None])],
    )
    write(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
        folder / "models" / "m.onnx",
    )
    config = folder / "modelpack.toml"
    variant = '[models.m]\nsource = "models/m.onnx"\n[models.m.variants.gpu]\ndtype = "fp32"\ndevice = "webgpu"\n'
    config.write_text(variant)
    made = Project(folder)
    refused = build(made)
    assert refused.code == 4
    assert (
        'MP-E453 compatibility:m@gpu: node "/last" (NonZero of opset 13, T: float)' in refused.err
    )
    config.write_text(f'{variant}accept_fallback = {{ "NonZero" = "of six numbers" }}\n')
    assert build(made).code == 0
    (stats,) = json.loads((folder / "modelpack.stats.json").read_text())["variants"].values()
    assert stats["fallbacks"] == [
        {"node": "/last", "operator": "NonZero", "reason": "of six numbers"}
    ]
