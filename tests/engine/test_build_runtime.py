from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import UNSET

from modelpack.publish.parse import parse_manifest
from modelpack.publish.wire import Manifest
from modelpack.units import MIB
from tests.support.builds import build, published, runs_of_build
from tests.support.fakes import InlineWorkers
from tests.support.projects import Project, make_project
from tests.support.runtimes import ASYNCIFY, PLAIN, install_runtime

SMALL_BYTES = 5 * MIB  # two chunks


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = make_project(tmp_path / "project", "pair")
    install_runtime(made.folder, size_bytes=SMALL_BYTES)
    made.config.write_text(f'{made.config.read_text()}\n[runtime]\npackage = "onnxruntime-web"\n')
    return made


def manifest(project: Project) -> Manifest:
    return parse_manifest((project.output / "manifest.json").read_bytes())


def test_build_with_runtime_publishes_a_build_for_each_device(project: Project) -> None:
    assert build(project).errors == ()
    found = manifest(project)
    assert found.runtime is not UNSET
    assert (found.runtime.package, found.runtime.version) == ("onnxruntime-web", "1.30.0")
    assert found.runtime.builds == {
        "wasm": f"runtime@onnxruntime-web/{PLAIN}",
        "webgpu": f"runtime@onnxruntime-web/{ASYNCIFY}",
    }
    file = found.files[found.runtime.builds["wasm"]]
    assert (file.size, file.type, len(file.parts)) == (SMALL_BYTES, "application/wasm", 2)
    first, second = (found.chunks[part] for part in file.parts if isinstance(part, int))
    assert [form for form, _ in second.enc.sizes()] == ["zstd"]
    assert first.size == 4 * MIB


def test_build_with_runtime_again_runs_nothing(project: Project) -> None:
    build(project)
    assert runs_of_build(project) == {}


def test_build_with_another_runtime_runs_only_its_steps(project: Project) -> None:
    build(project)
    before = published(project)
    path = project.folder / "node_modules" / "onnxruntime-web" / "dist" / PLAIN
    path.write_bytes(path.read_bytes()[::-1])
    assert {name.partition(":")[2] for name in runs_of_build(project)} == {"[runtime]"}
    assert published(project) != before


def test_build_of_one_model_keeps_the_runtime_of_the_others(project: Project) -> None:
    build(project)
    before = published(project)
    build(project, "words@q8", workers=InlineWorkers())
    assert published(project) == before


def test_build_without_runtime_any_more_publishes_none(project: Project) -> None:
    build(project)
    project.edit('[runtime]\npackage = "onnxruntime-web"\n', "")
    build(project)
    assert manifest(project).runtime is UNSET
