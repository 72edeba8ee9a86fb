"""The commands that keep things in order: init, verify, clean, cache, doctor."""

from __future__ import annotations

import json
import shutil
from importlib import metadata
from pathlib import Path

import pytest

from tests.support.builds import warm
from tests.support.cli import modelpack
from tests.support.damage import one_bit_flipped
from tests.support.golden import assert_golden
from tests.support.projects import Project, make_project


@pytest.fixture
def built(project: Project) -> Project:
    assert modelpack("build", "-C", project.folder).code == 0
    return project


def chunks(project: Project) -> list[Path]:
    return sorted((project.output / "c").iterdir())


# --- init --------------------------------------------------------------------------------------------------------


def test_init_writes_a_file_that_builds(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "pair")
    project.config.unlink()
    answer = modelpack("init", "-C", project.folder)
    assert (answer.code, answer.out) == (0, "")
    assert answer.err.splitlines() == [
        f"wrote {project.config}: faces, words",
        "next: modelpack build",
        "git:  ignore public/models/, .modelpack/ and modelpack.stats.json, which builds make; commit the rest",
    ]
    assert_golden("cli/init.toml", project.config.read_text())
    warm(project)
    assert modelpack("build", "-C", project.folder).code == 0


def test_init_print_writes_nothing(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "pair")
    text = project.config.read_text()
    answer = modelpack("init", "--print", "-C", project.folder)
    assert (answer.code, answer.err) == (0, "")
    assert "[models.words]" in answer.out
    assert project.config.read_text() == text


def test_init_leaves_an_existing_file(project: Project) -> None:
    text = project.config.read_text()
    answer = modelpack("init", "-C", project.folder)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        f"MP-E113 {project.config}: exists already — edit it, or write over it with --force\n"
    )
    assert project.config.read_text() == text


def test_init_without_models_writes_an_example(tmp_path: Path) -> None:
    answer = modelpack("init", "-C", tmp_path)
    assert answer.code == 0
    assert answer.err == (
        f"wrote {tmp_path}/modelpack.toml: no ONNX files, so an example\nnext: modelpack add SOURCE, or name a model in it\n"
    )


@pytest.mark.parametrize(
    "name", ["vad.v5.onnx", 'we"ird.onnx', "Gräße ü.onnx", f"{'long' * 30}.onnx"]
)
def test_init_odd_file_name_gives_a_file_that_reads(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(
        (make_project(tmp_path / "other", "pair").folder / "models/words.onnx").read_bytes()
    )
    shutil.rmtree(tmp_path / "other")
    assert modelpack("init", "-C", tmp_path).code == 0
    answer = modelpack("list", "--json", "-C", tmp_path)
    assert answer.code == 0
    assert {row["source"] for row in json.loads(answer.out)["variants"]} == {name}


def test_init_for_a_configuration_elsewhere_names_models_from_there(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "pair")
    (project.folder / "config").mkdir()
    answer = modelpack("init", "-C", project.folder, "--config", "config/modelpack.toml")
    assert (answer.code, answer.err.count("\n")) == (0, 3)
    assert (
        'source = "../models/words.onnx"' in (project.folder / "config/modelpack.toml").read_text()
    )


def test_init_leaves_out_what_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "page.onnx").write_text("<!doctype html><title>not found</title>")
    answer = modelpack("init", "-C", tmp_path)
    assert answer.code == 0
    assert answer.err.startswith("left out: page.onnx: MP-E203 ")


# --- verify ------------------------------------------------------------------------------------------------------


def test_verify_without_running_checks_every_file(built: Project) -> None:
    answer = modelpack("verify", "--no-run", "-C", built.folder)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.endswith(": all as the manifest says\n")


def test_verify_runs_every_variant(built: Project) -> None:
    answer = modelpack("verify", "--json", "-C", built.folder)
    assert (answer.code, answer.err) == (0, "")
    trials = json.loads(answer.out)["trials"]
    assert [trial["variant"] for trial in trials] == ["faces@fp16", "words@q8", "words@fp32"]


@pytest.mark.parametrize("command", [["verify"], ["verify", "--no-run"], ["verify", "--json"]])
def test_verify_after_a_flipped_bit_names_the_chunk(built: Project, command: list[str]) -> None:
    chunk = chunks(built)[0]
    flipped = one_bit_flipped(chunk.read_bytes())
    chunk.unlink()
    chunk.write_bytes(flipped)
    answer = modelpack(*command, "-C", built.folder)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith(f"MP-E711 c/{chunk.name}: ")
    assert answer.err.endswith(" — run `modelpack build` to publish it again\n")


def test_verify_of_nothing_says_so(project: Project) -> None:
    answer = modelpack("verify", "-C", project.folder)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        "MP-E711 manifest.json: nothing is published here"
        " — run `modelpack build` to publish it again\n"
    )


# --- clean -------------------------------------------------------------------------------------------------------


def test_clean_deletes_what_was_published(built: Project) -> None:
    answer = modelpack("clean", "-C", built.folder)
    assert (answer.code, answer.out) == (0, "")
    assert answer.err.startswith("deleted ")
    assert answer.err.endswith(f", from {built.output}\n")
    assert not built.output.exists()


def test_clean_leaves_foreign_files(built: Project) -> None:
    foreign = [built.output / "robots.txt", built.output / "c" / "mine.bin"]
    for path in foreign:
        path.write_text("mine")
    assert modelpack("clean", "-C", built.folder).code == 0
    assert [path for path in sorted(built.output.rglob("*")) if path.is_file()] == sorted(foreign)


def test_clean_dry_run_lists_and_deletes_nothing(built: Project) -> None:
    before = sorted(path for path in built.output.rglob("*") if path.is_file())
    answer = modelpack("clean", "--dry-run", "-C", built.folder)
    assert answer.code == 0
    assert sorted(answer.out.splitlines()) == [str(path) for path in before]
    assert sorted(path for path in built.output.rglob("*") if path.is_file()) == before


def test_clean_of_nothing_deletes_nothing(project: Project) -> None:
    answer = modelpack("clean", "-C", project.folder)
    assert (answer.code, answer.out) == (0, "")
    assert answer.err == f"deleted 0 files, 0 B, from {project.output}\n"
    assert modelpack("clean", "--dry-run", "-C", project.folder).out == ""


def test_clean_then_build_gives_the_pack_again(built: Project) -> None:
    before = (built.output / "manifest.json").read_bytes()
    modelpack("clean", "-C", built.folder)
    assert modelpack("build", "-C", built.folder).code == 0
    assert (built.output / "manifest.json").read_bytes() == before


# --- cache -------------------------------------------------------------------------------------------------------


def test_cache_stats_counts_blobs_and_results(project: Project) -> None:
    answer = modelpack("cache", "stats", "-C", project.folder)
    assert (answer.code, answer.err) == (0, "")
    first, blobs, results, quarantined = answer.out.splitlines()
    assert first == str(project.cache)
    assert " blobs, " in blobs
    assert " results of steps, " in results
    assert quarantined == "  0 quarantined, 0 B"


def test_cache_stats_json_has_figures(project: Project) -> None:
    stats = json.loads(modelpack("cache", "stats", "--json", "-C", project.folder).out)
    assert stats["actions"] > 16
    assert stats["quarantined"] == 0


def test_cache_gc_keeps_what_is_in_use(project: Project) -> None:
    answer = modelpack("cache", "gc", "-C", project.folder)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("freed 0 B (0 results, 0 blobs); ")


def test_cache_verify_of_good_entries_says_so(project: Project) -> None:
    answer = modelpack("cache", "verify", "-C", project.folder)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == "everything in the cache is what it should be\n"


def test_cache_verify_names_a_corrupt_blob(project: Project) -> None:
    blob = next(path for path in (project.cache / "v1" / "blobs").rglob("*") if path.is_file())
    flipped = one_bit_flipped(blob.read_bytes())
    blob.unlink()
    blob.write_bytes(flipped)
    answer = modelpack("cache", "verify", "-C", project.folder)
    assert (answer.code, answer.err) == (1, "")
    assert blob.name in answer.out
    assert answer.out.endswith("1 corrupt, put aside; the next build makes them again\n")


# --- doctor ------------------------------------------------------------------------------------------------------


def test_doctor_looks_at_everything(project: Project) -> None:
    answer = modelpack("doctor", "--json", "-C", project.folder)
    checks = {check["name"]: check for check in json.loads(answer.out)}
    assert (answer.code, answer.err) == (0, "")
    assert {"modelpack", "python", "machine", "onnx", "onnxruntime", "cache", "disk"} <= set(checks)
    assert checks["native libraries"] == {
        "name": "native libraries",
        "state": "ok",
        "found": "load",
        "remedy": "",
    }
    assert checks["cache"]["found"] == str(project.cache)


def test_doctor_names_the_extra_that_a_source_needs(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str:
        if name == "huggingface_hub":
            raise metadata.PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr("modelpack.cli.extras.metadata.version", version)
    before = project.config.read_text()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "hub                  not installed; only hf: sources needs it" in _doctor(project)
    project.config.write_text(before + '[models.far]\nsource = "hf:org/repo@main"\n')
    line = next(line for line in _doctor(project).splitlines() if " hub " in line)
    assert line == (
        "error   hub                  not installed: huggingface_hub; this project needs it for hf: sources"
        " — pip install 'modelpack[hub]'"
    )


def test_doctor_names_the_extra_that_a_golden_set_of_pictures_needs(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str:
        if name == "pillow":
            raise metadata.PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr("modelpack.cli.extras.metadata.version", version)
    monkeypatch.setenv("NO_COLOR", "1")
    golden = 'golden = { samples = "golden/photos/", preprocess = { kind = "image" } }'
    with project.config.open("a") as config:
        config.write(f'[models.photos]\nsource = "models/words.onnx"\n{golden}\n')
    line = next(line for line in _doctor(project).splitlines() if " golden " in line)
    assert line == (
        "error   golden               not installed: pillow; this project needs it for golden sets of texts and pictures"
        " — pip install 'modelpack[golden]'"
    )


def test_doctor_counts_either_build_of_tensorflow(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str:
        if name == "tensorflow" or (name == "tensorflow-cpu" and not has_small_build):
            raise metadata.PackageNotFoundError(name)
        return "2.21"

    monkeypatch.setattr("modelpack.cli.extras.metadata.version", version)
    monkeypatch.setenv("NO_COLOR", "1")
    has_small_build = True
    assert "tflite               tensorflow 2.21, tf2onnx 2.21" in _doctor(project)
    has_small_build = False
    assert "tflite               not installed; only .tflite files needs it" in _doctor(project)


def _doctor(project: Project) -> str:
    return modelpack("doctor", "-C", project.folder).out


def test_doctor_with_a_wrong_configuration_exits_1(project: Project) -> None:
    project.edit("assets =", "asets =")
    answer = modelpack("doctor", "-C", project.folder)
    (line,) = [
        line for line in answer.out.splitlines() if "modelpack.toml" in line and "error" in line
    ]
    assert answer.code == 1
    assert "MP-E111" in line


def test_doctor_meets_damage_without_a_crash(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = project.folder / "node_modules/onnxruntime-web/package.json"
    package.parent.mkdir(parents=True)
    package.write_text("{")
    node = tmp_path / "bin/node"
    node.parent.mkdir()
    node.write_bytes(b"\x7fELF of another machine")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", str(node.parent))
    answer = modelpack("doctor", "--json", "-C", project.folder)
    found = {check["name"]: check["found"] for check in json.loads(answer.out)}
    assert found["node"] == "Exec format error"
    assert found["onnxruntime-web"].startswith("its package.json cannot be read: ")
