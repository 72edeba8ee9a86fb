from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.bench.places import find_parts
from modelpack.errors import BenchError


def install(folder: Path, package: str, *files: str) -> Path:
    place = folder / "node_modules" / package
    for name in files:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("")
    (place / "package.json").write_text('{"version": "1.30.0"}')
    return place


def test_find_parts_without_onnxruntime_web_says_install(tmp_path: Path) -> None:
    with pytest.raises(BenchError) as caught:
        find_parts(tmp_path)
    assert caught.value.code == "MP-E803"
    assert "npm install onnxruntime-web" in caught.value.remedy


def test_find_parts_takes_what_pages_of_the_project_load(tmp_path: Path) -> None:
    runtime = install(tmp_path, "onnxruntime-web", "dist/ort.wasm.min.mjs")
    loader = install(tmp_path, "@modelpack/loader", "dist/index.js")
    app = tmp_path / "apps" / "web"
    app.mkdir(parents=True)
    parts = find_parts(app)
    assert (parts.runtime, parts.runtime_version) == (runtime / "dist", "1.30.0")
    assert parts.loader == loader / "dist"
