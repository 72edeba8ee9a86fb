from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from modelpack.config.find import CONFIG_NAME
from modelpack.config.read import read_project
from modelpack.errors import UsageError
from modelpack.spec.golden import Golden, StatePair
from modelpack.spec.limits import Limit, MetricLimit
from modelpack.spec.project import Asset, Model
from modelpack.spec.sources import Export, FileSource, NpmSource, PythonSource
from modelpack.spec.variants import Override, RecipeSettings, Variant
from tests.config.bad_documents import BAD
from tests.config.good_documents import GOOD, MODEL
from tests.support.configuration import write_config
from tests.support.golden import assert_golden

EXAMPLE = Path(__file__).parents[2] / "modelpack.toml.example"


def read_model(folder: Path, text: str) -> Model:
    return read_project(write_config(folder, text), "production").models[0]


def refusal(folder: Path, text: str) -> UsageError:
    config = write_config(folder, text)
    with pytest.raises(UsageError) as caught:
        read_project(config, "production")
    return caught.value


# --- what is given back ------------------------------------------------------------------------------------------


def test_read_project_smallest_has_the_defaults(tmp_path: Path) -> None:
    project = read_project(write_config(tmp_path, MODEL), "production")
    app = tmp_path / "app"
    assert (project.config, project.workspace) == (app / CONFIG_NAME, tmp_path)
    assert project.output.path == app / "public" / "models"
    assert project.output.host == "static"
    assert project.output.keep_generations == 1
    assert project.output.types is None
    assert project.output.compression == "balanced"
    assert project.cache.directory == tmp_path / ".modelpack" / "cache"
    assert project.cache.max_size_bytes == 20_000_000_000
    assert project.cache.max_age_s == 60 * 86_400
    assert project.models == (
        Model(
            id="a",
            source=FileSource(app / "a.onnx"),
            outputs=(),
            free_dimensions=(),
            state=(),
            assets=(),
            load="lazy",
            group=None,
            simplify=True,
            chunk_size_bytes=4 << 20,
            golden=None,
            variants=(
                Variant("q8", "q8", "wasm", (), 32, ()),
                Variant("fp32", "fp32", "wasm", (), 32, ()),
            ),
        ),
    )


def test_read_project_reads_the_example(tmp_path: Path) -> None:
    app = tmp_path / "app"
    config = write_config(tmp_path, EXAMPLE.read_text(encoding="utf-8"))
    project = read_project(config, "production")
    minilm, voice = project.models
    assert project.output.types == app / "src" / "models.d.ts"
    assert project.cache.directory == app / ".modelpack" / "cache"
    assert minilm.outputs == ("sentence_embedding",)
    assert minilm.free_dimensions == (("batch_size", 1),)
    assert minilm.assets == (Asset("tokenizer", app / "models" / "tokenizer.json"),)
    assert minilm.group == "sentence-embedding"
    assert minilm.golden == Golden(
        samples=app / "golden" / "sentences.jsonl",
        tokenizer=app / "models" / "tokenizer.json",
        metrics=(
            MetricLimit("cosine", ">=", 0.99, "models.minilm.golden.metrics.cosine"),
            MetricLimit("max_abs_error", "<=", 0.5, "models.minilm.golden.metrics.max_abs_error"),
        ),
    )
    assert [variant.id for variant in minilm.variants] == ["q8", "fp16", "careful", "small"]
    assert minilm.variants[2].nodes_to_exclude == ("/pooler/*",)
    assert voice.source == NpmSource("@ricky0123/vad-web", "dist/silero_vad_v5.onnx", app)
    assert voice.state == (StatePair("state", "stateN"),)


@pytest.mark.parametrize("name", GOOD)
def test_read_project_accepts(tmp_path: Path, name: str) -> None:
    assert read_project(write_config(tmp_path, GOOD[name]), "production").models


def test_read_project_sources_in_packages(tmp_path: Path) -> None:
    scoped = read_model(tmp_path, GOOD["package_of_npm"]).source
    python = read_model(tmp_path, GOOD["package_of_python"]).source
    assert scoped == NpmSource("@scope/package", "dist/a.onnx", tmp_path / "app")
    assert python == PythonSource("silero_vad.data", "a.onnx")


def test_read_project_auto_stores_eight_bits(tmp_path: Path) -> None:
    variants = read_model(tmp_path, GOOD["variants_shaped"]).variants
    assert [(v.id, v.dtype, v.device, v.shape) for v in variants] == [
        ("auto", "q8", "wasm", "auto"),
        ("small", "q8", "webgpu", "entropy"),
        ("q8", "q8", "wasm", "plain"),
        ("other", "q8", "wasm", "auto"),
    ]
    assert [v.objective for v in variants] == ["download", "download", "download", "latency"]


def test_read_project_settings_of_an_export(tmp_path: Path) -> None:
    model = read_model(tmp_path, GOOD["checkpoint"])
    assert model.export == Export("text-classification", 17, 0.0001, "transformers")
    assert model.golden is not None
    assert model.golden.tokenizer is None  # the checkpoint brings it


def test_read_project_device_follows_the_dtype(tmp_path: Path) -> None:
    variants = read_model(tmp_path, GOOD["variants_of_every_dtype"]).variants
    assert [(v.id, v.dtype, v.device, v.block_size) for v in variants] == [
        ("fp32", "fp32", "wasm", 32),
        ("fp16", "fp16", "webgpu", 32),
        ("q8", "q8", "wasm", 32),
        ("q4", "q4", "webgpu", 128),
        ("uint8", "uint8", "wasm", 32),
        ("bnb4", "bnb4", "wasm", 64),
        ("q4f16", "q4f16", "webgpu", 32),
        ("other", "q8", "wasm", 32),
    ]


def test_read_project_settings_of_a_recipe(tmp_path: Path) -> None:
    variants = read_model(tmp_path, GOOD["variants_of_every_dtype"]).variants
    assert {v.id: v.settings for v in variants if v.settings != RecipeSettings()} == {
        "uint8": RecipeSettings(activations="float", per_channel=False),
        "q4f16": RecipeSettings(symmetric=False, embedding_dtype="fp16", output_dtype="q8"),
        "other": RecipeSettings(
            overrides=(
                Override("/a/*", "q4", 32),
                Override("b*", "q4", 16),
                Override("/c", "fp32", 32),
            )
        ),
    }


def test_read_project_thresholds_are_numbers(tmp_path: Path) -> None:
    golden = read_model(tmp_path, GOOD["thresholds_at_their_bounds"]).golden
    assert golden is not None
    assert [limit.threshold for limit in golden.metrics] == [1.0, 0.001, 0.0]


def test_read_project_no_passes_does_not_simplify(tmp_path: Path) -> None:
    assert not read_model(tmp_path, GOOD["no_passes"]).simplify


# --- defaults under models under variants ------------------------------------------------------------------------

LAYERED = """
[defaults]
load = "idle"
group = "all"
budget = { download = "9 MB", chunks = 90, hints = "warning" }
golden = { tokenizer = "t.json", metrics = { cosine = ">= 0.9" } }
[models.a]
source = "a.onnx"
load = "eager"
budget = { download = "5 MB", hints = "error" }
golden = { samples = "g.jsonl", metrics = { max_abs_error = "<= 0.1" } }
[models.a.variants]
q8 = { budget = { download = "2 MB", size = "3 MB" } }
fp32 = { budget = { hints = "warning" } }
"""


def test_read_project_model_overrides_defaults(tmp_path: Path) -> None:
    model = read_model(tmp_path, LAYERED)
    assert (model.load, model.group) == ("eager", "all")


def test_read_project_variant_overrides_limit_by_limit(tmp_path: Path) -> None:
    q8, fp32 = read_model(tmp_path, LAYERED).variants
    assert q8.budget == (
        Limit("download", 2_000_000, "error", "models.a.variants.q8.budget.download"),
        Limit("size", 3_000_000, "error", "models.a.variants.q8.budget.size"),
        Limit("chunks", 90, "error", "defaults.budget.chunks"),
    )
    assert fp32.budget == (
        Limit("download", 5_000_000, "warning", "models.a.budget.download"),
        Limit("chunks", 90, "warning", "defaults.budget.chunks"),
    )


def test_read_project_golden_set_is_completed_by_defaults(tmp_path: Path) -> None:
    assert read_model(tmp_path, LAYERED).golden == Golden(
        samples=tmp_path / "app" / "g.jsonl",
        tokenizer=tmp_path / "app" / "t.json",
        metrics=(
            MetricLimit("cosine", ">=", 0.9, "defaults.golden.metrics.cosine"),
            MetricLimit("max_abs_error", "<=", 0.1, "models.a.golden.metrics.max_abs_error"),
        ),
    )


def test_read_project_tokenizer_of_the_defaults_is_for_texts(tmp_path: Path) -> None:
    golden = read_model(tmp_path, LAYERED.replace("g.jsonl", "g.npz")).golden
    assert golden is not None
    assert golden.tokenizer is None


def test_read_project_development_only_warns(tmp_path: Path) -> None:
    project = read_project(write_config(tmp_path, LAYERED), "development")
    hints = {limit.hints for variant in project.models[0].variants for limit in variant.budget}
    assert hints == {"warning"}


def test_read_limits_of_bytes_hold_for_the_devices_that_they_name(tmp_path: Path) -> None:
    text = (
        MODEL
        + """
budget = { download = { wasm = "4 MB" }, size = "9 MB" }
[models.a.variants]
q8 = { device = "wasm" }
fp16 = { device = "webgpu", budget = { size = { webgpu = "5 MB" } } }
"""
    )
    q8, fp16 = read_model(tmp_path, text).variants
    assert q8.budget == (
        Limit("download", 4_000_000, "error", "models.a.budget.download.wasm"),
        Limit("size", 9_000_000, "error", "models.a.budget.size"),
    )
    assert fp16.budget == (
        Limit("size", 5_000_000, "error", "models.a.variants.fp16.budget.size.webgpu"),
    )


def test_read_project_quoted_id_is_quoted_in_keys(tmp_path: Path) -> None:
    text = GOOD["quoted_id"] + "budget.chunks = 3"
    limit = read_model(tmp_path, text).variants[0].budget[0]
    assert limit.key == 'models."t5.encoder".budget.chunks'


# --- paths -------------------------------------------------------------------------------------------------------


def test_read_project_link_out_of_the_workspace_is_refused(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    config = write_config(root, MODEL.replace("a.onnx", "link/a.onnx"))
    (root / "app" / "link").symlink_to(elsewhere)
    with pytest.raises(UsageError) as caught:
        read_project(config, "production")
    assert caught.value.code == "MP-E114"


def test_read_project_file_that_links_out_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.onnx").touch()
    config = write_config(root, MODEL)
    (root / "app" / "a.onnx").symlink_to(tmp_path / "secret.onnx")
    with pytest.raises(UsageError) as caught:
        read_project(config, "production")
    assert caught.value.code == "MP-E114"


def test_read_project_link_inside_the_workspace_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    config = write_config(tmp_path, MODEL.replace("a.onnx", "link/a.onnx"))
    (tmp_path / "app" / "link").symlink_to(tmp_path / "shared")
    source = read_project(config, "production").models[0].source
    assert source == FileSource(tmp_path / "app" / "link" / "a.onnx")


def test_read_project_output_that_links_to_the_project_is_refused(tmp_path: Path) -> None:
    config = write_config(tmp_path, MODEL + '[output]\npath = "public"')
    (tmp_path / "app" / "public").symlink_to(tmp_path / "app")
    with pytest.raises(UsageError, match="the output folder contains the configuration"):
        read_project(config, "production")


def test_read_project_workspace_through_a_link_is_inside(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    write_config(real, MODEL)
    (tmp_path / "link").symlink_to(real)
    config = tmp_path / "link" / "app" / CONFIG_NAME
    assert read_project(config, "production").workspace == tmp_path / "link"


def test_read_project_sibling_with_the_same_start_is_outside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    error = refusal(root, MODEL.replace("a.onnx", "../../root-2/a.onnx"))
    assert error.code == "MP-E114"


# --- refusals ----------------------------------------------------------------------------------------------------


def test_read_project_refusals_are_exact(tmp_path: Path) -> None:
    blocks = []
    for name, text in BAD.items():
        message = str(refusal(tmp_path, text)).replace(str(tmp_path), "<workspace>")
        blocks.append(f"{name}\n{message}\n")
    assert_golden("config/refusals.txt", "\n".join(blocks))


@pytest.mark.parametrize("name", BAD)
def test_read_project_refusals_are_one_line(tmp_path: Path, name: str) -> None:
    error = refusal(tmp_path, BAD[name])
    assert error.exit_code == 2
    assert str(error).isprintable()
    assert len(str(error)) < 500


def test_read_project_reports_everything_in_the_order_of_lines(tmp_path: Path) -> None:
    error = refusal(tmp_path, BAD["faults_of_four_kinds"])
    assert [(fault.where, fault.message) for fault in (error, *error.others)] == [
        ("modelpack.toml:1 models.a", 'missing key "source"'),
        ("modelpack.toml:2 models.a", 'unknown key "loaf"; did you mean "load"?'),
        (
            "modelpack.toml:3 models.a.budget.chunks",
            "found 0; expected a whole number from 1 to 1000000",
        ),
        ("modelpack.toml:5 output", 'unknown key "hots"; did you mean "host"?'),
    ]


def test_read_project_fault_of_the_defaults_is_reported_once(tmp_path: Path) -> None:
    text = "[defaults]\nvariants.small = {}\n" + MODEL + MODEL.replace(".a]", ".b]")
    error = refusal(tmp_path, text)
    assert error.where == "modelpack.toml:2 defaults.variants.small"
    assert error.others == ()


def test_read_project_stops_collecting_after_fifty(tmp_path: Path) -> None:
    text = "".join(f"k{index} = 1\n" for index in range(5000))
    assert len(refusal(tmp_path, text).others) == 49


def test_read_project_defaults_that_multiply_are_refused(tmp_path: Path) -> None:
    outputs = ", ".join(f'"o{index}"' for index in range(1000))
    models = "".join(f"[models.m{index}]\nsource = 'a.onnx'\n" for index in range(51))
    assert str(refusal(tmp_path, f"[defaults]\noutputs = [{outputs}]\n{models}")) == (
        "MP-E113 modelpack.toml:1 defaults: 1000 values for each of 51 models; expected at most 50000 together"
        " — write into the models what only some of them need"
    )


def test_read_project_more_than_a_thousand_models_are_refused(tmp_path: Path) -> None:
    models = "".join(f"[models.m{index}]\nsource = 'a.onnx'\n" for index in range(1001))
    assert refusal(tmp_path, models).message == "found a table; expected a table of 1 to 1000 keys"


def test_read_project_long_values_are_cut_short(tmp_path: Path) -> None:
    error = refusal(tmp_path, MODEL + f'load = "{"x" * 100_000}"')
    assert error.message == f'found "{"x" * 79}…"; expected one of "eager", "idle", "lazy"'


def test_read_project_huge_numbers_are_not_written_out(tmp_path: Path) -> None:
    error = refusal(tmp_path, MODEL + f"budget.chunks = 0x{'f' * 5000}")
    assert error.message == "found a huge number; expected a whole number from 1 to 1000000"


def test_configuration_error_survives_pickling(tmp_path: Path) -> None:
    error = refusal(tmp_path, BAD["budget_unknown_unit"])
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301  our own bytes


def test_read_project_another_domain_is_read_with_the_tokenizer_that_its_texts_need(
    tmp_path: Path,
) -> None:
    golden = read_model(tmp_path, GOOD["another_domain"]).golden
    assert golden is not None
    assert golden.other is not None
    assert golden.tokenizer is not None
    assert (golden.other.name, golden.tokenizer.name) == ("reviews.jsonl", "t.json")
