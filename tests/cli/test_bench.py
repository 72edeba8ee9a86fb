from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from modelpack.bench.browsers import choose_browser
from modelpack.bench.places import find_parts
from modelpack.errors import BenchError
from tests.support.cli import ROOT, Answer, modelpack
from tests.support.onnx_models import odd_channels_net, weights_like, write
from tests.support.projects import Project

SOUND = """
[models.sound]
source = "models/sound.onnx"
variants = { gpu = { dtype = "fp32", device = "webgpu" } }
golden = { samples = "golden/sound.npz", metrics = { cosine = ">= 0.99" } }
"""
QUICK = ("--visits", "1", "--warmup", "1", "--runs", "3", "--seconds", "0")


def bench(project: Project, *argv: str) -> Answer:
    return modelpack("bench", *argv, "-C", project.folder)


@pytest.fixture
def built(project: Project) -> Project:
    assert modelpack("build", "-q", "-C", project.folder).code == 0
    return project


@pytest.fixture
def page(built: Project) -> Project:
    """The project with what its pages load, where this checkout has it."""
    (built.folder / "node_modules").symlink_to(ROOT / "node_modules")
    try:
        find_parts(built.folder)
        choose_browser("")
    except BenchError as err:
        pytest.skip(str(err))
    built.edit("[output]", "[compatibility]\nbrowser = false\n\n[output]")
    return built


def stats(project: Project) -> dict[str, object]:
    found: dict[str, object] = json.loads((project.folder / "modelpack.stats.json").read_bytes())
    return found


def runs_with_adapter(project: Project) -> list[dict[str, Any]]:
    """What was kept of runs with a graphics processor."""
    kept: Any = stats(project)["variants"]
    machines = [variant.get("runs", {}) for variant in kept.values()]
    runs = [run for found in machines for each in found.values() for run in each]
    return [run for run in runs if run.get("adapter")]


def test_bench_of_nothing_says_build(project: Project) -> None:
    answer = bench(project, "--only", "native")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("MP-E711 public/models/manifest.json: nothing is published here")


def test_bench_without_onnxruntime_web_says_how_to_install_it(built: Project) -> None:
    answer = bench(built)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        f"MP-E803 {built.folder}: onnxruntime-web is not in node_modules — "
        "run `npm install onnxruntime-web`, or measure natively: --only native\n"
    )


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        (("--threads", "0"), 'argument --threads: found "0"; expected a number from 1'),
        (("--threads", "1,65"), "argument --threads: found 65; expected at most 64"),
        (("--slowdown", "1"), 'argument --slowdown: found "1"; expected factors above 1'),
        (("--seconds", "long"), 'argument --seconds: found "long"; expected a number'),
    ],
)
def test_bench_wrong_options_are_one_line(
    project: Project, argv: tuple[str, ...], found: str
) -> None:
    assert bench(project, *argv) == Answer(2, "", f"MP-E101 {found} — see modelpack bench --help\n")


@pytest.mark.slow
def test_bench_natively_keeps_what_it_measured(built: Project) -> None:
    answer = bench(built, "words@q8", "--only", "native", "--threads", "1,2", "--json", *QUICK)
    assert answer.code == 0, answer.err
    assert "words@q8 native cpu, 2 threads: p50" in answer.err
    report = json.loads(answer.out)
    (words,) = report["variants"]
    assert [(run["engine"], run["threads"]) for run in words["runs"]] == [
        ("native", 1),
        ("native", 2),
    ]
    assert words["runs"][0]["operators"]
    (machine,) = stats(built)["machines"].values()  # type: ignore[attr-defined]
    assert machine == report["machine"]


@pytest.mark.slow
def test_bench_that_is_not_saved_leaves_the_stats(built: Project) -> None:
    before = stats(built)
    answer = bench(built, "words@q8", "--only", "native", "--threads", "1", "--no-save", *QUICK)
    assert answer.code == 0, answer.err
    assert stats(built) == before


@pytest.mark.slow
def test_bench_in_a_browser_is_as_accurate_as_natively(page: Project) -> None:
    options = ("--only", "browser", "--threads", "1,2", "--slowdown", "2", "--json")
    answer = bench(page, "words@q8", *options, *QUICK)
    assert answer.code == 0, answer.err
    (words,) = json.loads(answer.out)["variants"]
    first, second, slowed = words["runs"]
    assert (first["threads"], second["threads"], slowed["slowdown"]) == (1, 2, 2.0)
    assert slowed["heapBytes"] >= 2**24
    assert not {"memoryBytes", "copies"} & set(slowed)
    assert first["heapBytes"] >= 2**24
    assert first["memoryBytes"] > 0
    figures = {metric["metric"]: metric["value"] for metric in first["accuracy"]["metrics"]}
    assert figures["cosine"] > 0.99
    assert first["copies"] == [
        {
            "name": "x",
            "role": "input",
            "sizeBytes": 128,
            "copies": ["page → worker", "worker → wasm heap"],
            "transferable": True,
        },
        {
            "name": "logits",
            "role": "output",
            "sizeBytes": 40,
            "copies": ["wasm heap → worker"],
            "transferable": False,
        },
    ]
    page.edit("chunks = 8", 'latency_p95 = { wasm = "60 s" }\nmemory = "10 GB"')
    assert modelpack("check", "words@q8", "-C", page.folder).code == 0


@pytest.mark.slow
def test_bench_without_an_adapter_says_so(page: Project) -> None:
    answer = bench(page, "faces@fp16", "--only", "browser", "--json", *QUICK)
    assert answer.code == 0, answer.err
    report = json.loads(answer.out)
    assert report["variants"][0]["runs"] or "has no WebGPU adapter here" in report["notes"][0]


@pytest.mark.slow
def test_bench_with_an_emulated_gpu_judges_the_golden_set_there(page: Project) -> None:
    page.edit(
        "[models.words.variants]",
        '[models.words.variants]\ngpu = { dtype = "fp32", device = "webgpu" }',
    )
    assert modelpack("build", "-q", "-C", page.folder).code == 0
    options = ("--only", "browser", "--software-gpu")
    answer = bench(page, "words@gpu", "faces@fp16", *options, *QUICK)
    assert answer.code == 0, answer.err
    assert "chromium webgpu, 1 thread, emulated GPU" in answer.out
    assert "words@gpu: times with an emulated GPU say nothing about a real one" in answer.out
    (run,) = runs_with_adapter(page)
    assert run["adapter"] == "google swiftshader"
    figures = {metric["metric"]: metric["value"] for metric in run["accuracy"]["metrics"]}
    assert figures["cosine"] > 0.9999
    assert answer.err.splitlines()[-1] == (
        "note faces@fp16 is not measured: chromium's WebGPU adapter (google swiftshader) lacks "
        "shader-f16; measure it on a machine whose graphics processor has it"
    )


@pytest.mark.slow
def test_bench_of_a_filter_that_webgpu_mixes_up_is_as_accurate_as_natively(page: Project) -> None:
    write(odd_channels_net(), page.folder / "models" / "sound.onnx")
    np.savez(page.folder / "golden" / "sound.npz", x=weights_like(3, 20, 129, 4))
    page.edit("[models.words.variants]", f"{SOUND}\n[models.words.variants]")
    assert modelpack("build", "-q", "sound", "-C", page.folder).code == 0
    options = ("--only", "browser", "--software-gpu", "--json")
    answer = bench(page, "sound", *options, *QUICK)
    assert answer.code == 0, answer.err
    (sound,) = json.loads(answer.out)["variants"]
    figures = {each["metric"]: each["value"] for each in sound["runs"][0]["accuracy"]["metrics"]}
    assert figures["cosine"] > 0.999999


@pytest.mark.slow
def test_bench_in_firefox_is_as_accurate_as_natively(page: Project) -> None:
    try:
        choose_browser("firefox")
    except BenchError as err:
        pytest.skip(str(err))
    options = ("--only", "browser", "--browser", "firefox", "--threads", "1", "--json")
    answer = bench(page, "words@q8", *options, *QUICK)
    assert answer.code == 0, answer.err
    (words,) = json.loads(answer.out)["variants"]
    (run,) = words["runs"]
    assert (run["engine"], run["device"], run["threads"]) == ("firefox", "wasm", 1)
    assert run["heapBytes"] >= 2**24
    assert run["memoryBytes"] > 0
    figures = {metric["metric"]: metric["value"] for metric in run["accuracy"]["metrics"]}
    assert figures["cosine"] > 0.99


@pytest.mark.slow
def test_bench_of_a_changed_golden_set_says_build(built: Project) -> None:
    samples = built.folder / "golden" / "words.npz"
    content = bytearray(samples.read_bytes())
    content[200] ^= 1
    samples.write_bytes(bytes(content))
    answer = bench(built, "words@q8", "--only", "native", *QUICK)
    assert answer.code == 1
    assert answer.err == (
        "MP-E804 words@q8: is not evaluated as it is configured now — run `modelpack build words@q8`\n"
    )
