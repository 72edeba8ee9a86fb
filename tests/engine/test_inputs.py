from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.digest import digest_bytes
from modelpack.engine.inputs import Inputs, SourceChangedError, key_inputs, materialise
from modelpack.errors import SourceError
from modelpack.planned import InputRef, ProjectFile, SourceGraph, SplitParams, Step, Upstream
from modelpack.record import Output, StepResult, TaskResult
from modelpack.spec.sources import NpmSource
from modelpack.store.store import Store
from tests.support import onnx_models


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    path = tmp_path / "Samples.NPZ"
    path.write_bytes(b"abc")
    return path


def step(*inputs: InputRef) -> Step:
    return Step("split", "m", SplitParams(1), inputs)


def test_inputs_of_a_project_file_have_a_name_without_its_path(store: Store, samples: Path) -> None:
    (found,) = Inputs(store).resolve(step(ProjectFile("samples", samples)), {})
    assert (found.role, found.name, found.size_bytes, found.path) == (
        "samples",
        "0.npz",
        3,
        samples,
    )
    assert found.digest == digest_bytes(b"abc")


def test_inputs_of_equal_roles_are_told_apart_by_their_place(store: Store, samples: Path) -> None:
    found = Inputs(store).resolve(step(*[ProjectFile("asset", samples)] * 2), {})
    assert [one.name for one in key_inputs(found)] == ["0.npz", "1.npz"]


def test_inputs_from_a_step_are_its_outputs_with_the_role(store: Store) -> None:
    outputs = (Output("chunk", "0.bin", "aa", 1), Output("layout", "layout.json", "bb", 2))
    results = {"split:m": TaskResult((("", StepResult(outputs)),))}
    (found,) = Inputs(store).resolve(step(Upstream("model", "split:m", "chunk")), results)
    assert (found.role, found.name, found.digest, found.path) == ("model", "0.bin", "aa", None)


def test_inputs_missing_file_says_which_key_names_it(store: Store, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        Inputs(store).resolve(step(ProjectFile("tokenizer", tmp_path / "none.json")), {})
    assert str(caught.value) == (
        f"MP-E201 {tmp_path}/none.json: no such file"
        " — create it, or change the key that names it as tokenizer"
    )


def test_inputs_have_one_digest_for_a_whole_build(store: Store, samples: Path) -> None:
    inputs = Inputs(store)
    first = inputs.resolve(step(ProjectFile("samples", samples)), {})
    samples.write_bytes(b"changed")
    assert inputs.resolve(step(ProjectFile("samples", samples)), {}) == first
    assert inputs.read_digests() == {samples: digest_bytes(b"abc")}


def test_materialise_copies_files_and_blobs_by_role(
    store: Store, samples: Path, tmp_path: Path
) -> None:
    outputs = (Output("chunk", "sub/0.bin", store.blobs.put_bytes(b"blob"), 4),)
    results = {"split:m": TaskResult((("", StepResult(outputs)),))}
    refs = (ProjectFile("samples", samples), Upstream("model", "split:m", "chunk"))
    materialise(Inputs(store).resolve(step(*refs), results), tmp_path / "in", store)
    assert (tmp_path / "in" / "samples" / "0.npz").read_bytes() == b"abc"
    assert (tmp_path / "in" / "model" / "sub" / "0.bin").read_bytes() == b"blob"


@pytest.mark.parametrize(
    "change", [lambda path: path.write_bytes(b"other"), lambda path: path.unlink()]
)
def test_materialise_of_a_changed_file_says_so(
    store: Store, samples: Path, tmp_path: Path, change: object
) -> None:
    found = Inputs(store).resolve(step(ProjectFile("samples", samples)), {})
    assert callable(change)
    change(samples)
    with pytest.raises(SourceChangedError) as caught:
        materialise(found, tmp_path / "in", store)
    assert (caught.value.code, caught.value.where) == ("MP-E230", str(samples))


def test_inputs_of_an_npm_file_watch_the_link_and_nearer_packages(
    store: Store, tmp_path: Path
) -> None:
    app, package = tmp_path / "app", tmp_path / "store" / "pack"
    (tmp_path / "node_modules").mkdir()
    for folder in (app, package):
        folder.mkdir(parents=True)
    (tmp_path / "node_modules" / "pack").symlink_to(package)
    real = onnx_models.write(onnx_models.mlp(), package / "a.onnx")
    inputs = Inputs(store)
    (found,) = inputs.resolve(step(SourceGraph("model", NpmSource("pack", "a.onnx", app))), {})
    assert inputs.read_digests() == {
        real: found.digest,
        tmp_path / "node_modules" / "pack" / "a.onnx": found.digest,
    }
    assert inputs.absent == {app / "node_modules" / "pack"}
