from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.config.read import read_project
from modelpack.errors import SourceError, SourceUnreachableError
from modelpack.sources.runtime import release_trail, with_runtime
from modelpack.spec.project import Project, RuntimeBuild, RuntimeSettings
from tests.support.runtimes import ASYNCIFY, JSEP, PLAIN, install_runtime

CONFIG = """
[runtime]
package = "onnxruntime-web"
[models.words]
source = "words.onnx"
"""


def project(folder: Path, variants: str = "q8 = {}", runtime: str = "") -> Project:
    (folder / ".git").mkdir(exist_ok=True)
    config = folder / "modelpack.toml"
    text = CONFIG.replace('"onnxruntime-web"', f'"onnxruntime-web"\n{runtime}')
    config.write_text(f"{text}[models.words.variants]\n{variants}\n")
    return read_project(config, "production")


def test_with_runtime_finds_version_and_the_builds_of_the_variants_devices(tmp_path: Path) -> None:
    dist = install_runtime(tmp_path)
    assert with_runtime(project(tmp_path)).runtime == RuntimeSettings(
        "onnxruntime-web", "1.30.0", (RuntimeBuild("wasm", dist / PLAIN),)
    )
    both = with_runtime(project(tmp_path, "q8 = {}\nfp16 = {}")).runtime
    assert both is not None
    assert both.builds == (
        RuntimeBuild("wasm", dist / PLAIN),
        RuntimeBuild("webgpu", dist / ASYNCIFY),
    )


def test_with_runtime_older_package_has_webgpu_in_the_jsep_build(tmp_path: Path) -> None:
    dist = install_runtime(tmp_path, names=(PLAIN, JSEP))
    found = with_runtime(project(tmp_path, "fp16 = {}")).runtime
    assert found is not None
    assert found.builds == (RuntimeBuild("webgpu", dist / JSEP),)


def test_with_runtime_that_is_not_to_be_packed_looks_for_nothing(tmp_path: Path) -> None:
    assert with_runtime(project(tmp_path, runtime="pack = false")).runtime is None


def test_with_runtime_not_installed_says_how_to(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreachableError, match="npm install onnxruntime-web"):
        with_runtime(project(tmp_path))


def test_with_runtime_without_the_build_names_the_file(tmp_path: Path) -> None:
    install_runtime(tmp_path, names=())
    with pytest.raises(SourceError, match=PLAIN):
        with_runtime(project(tmp_path))


def test_with_runtime_unreadable_package_json_is_an_error(tmp_path: Path) -> None:
    dist = install_runtime(tmp_path)
    (dist.parent / "package.json").write_text("{")
    with pytest.raises(SourceError, match="version cannot be read"):
        with_runtime(project(tmp_path))


def test_with_runtime_knows_the_release_that_is_installed_though_nothing_is_packed(
    tmp_path: Path,
) -> None:
    assert with_runtime(project(tmp_path, runtime="pack = false")).web_release == ""
    install_runtime(tmp_path)
    assert with_runtime(project(tmp_path, runtime="pack = false")).web_release == "1.30.0"
    assert with_runtime(project(tmp_path)).web_release == "1.30.0"


def test_with_runtime_release_that_is_written_goes_before_the_installed_one(tmp_path: Path) -> None:
    install_runtime(tmp_path)
    written = project(tmp_path, runtime='pack = false\nversion = "1.29.0"')
    assert with_runtime(written).web_release == "1.29.0"


def test_with_runtime_damaged_package_that_is_not_packed_has_no_release(tmp_path: Path) -> None:
    dist = install_runtime(tmp_path)
    (dist.parent / "package.json").write_text("{")
    assert with_runtime(project(tmp_path, runtime="pack = false")).web_release == ""


def test_release_trail_names_the_folders_that_would_come_first(tmp_path: Path) -> None:
    inner = tmp_path / "app"
    inner.mkdir()
    dist = install_runtime(tmp_path)
    package, nearer = release_trail(inner / "modelpack.toml")
    assert package == dist.parent / "package.json"
    assert nearer == (inner / "node_modules" / "onnxruntime-web",)
    missing, wanted = release_trail(Path("/nowhere/at/all/modelpack.toml"))
    assert missing is None
    assert wanted[0] == Path("/nowhere/at/all/node_modules/onnxruntime-web")
