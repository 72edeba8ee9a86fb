from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from modelpack.config.read import read_project
from modelpack.sources.locate import locate
from tests.support.scripts import ROOT

EXAMPLE = ROOT / "examples" / "monorepo"
LEFT_OUT = shutil.ignore_patterns("node_modules", ".modelpack", "public", "dist")

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "acme", ignore=LEFT_OUT))


def link_package(workspace: Path, folder: str) -> None:
    """What an installer does: `node_modules/@acme/models` in `folder` points to the package."""
    scope = workspace / folder / "node_modules" / "@acme"
    scope.mkdir(parents=True)
    (scope / "models").symlink_to(workspace / "packages" / "models", target_is_directory=True)


@pytest.mark.parametrize("folder", ["apps/web", "."], ids=["pnpm", "npm"])
def test_monorepo_model_is_found_where_installers_link_it(workspace: Path, folder: str) -> None:
    link_package(workspace, folder)
    project = read_project(workspace / "apps" / "web" / "modelpack.toml", "production")
    found = locate(project.models[0].source)
    assert found.resolve() == workspace.resolve() / "packages" / "models" / "digits.onnx"
    assert project.workspace == workspace


def test_monorepo_model_is_small() -> None:
    assert (EXAMPLE / "packages" / "models" / "digits.onnx").stat().st_size <= 100_000


def test_monorepo_app_packs_models_before_each_build() -> None:
    package = json.loads((EXAMPLE / "apps" / "web" / "package.json").read_bytes())
    assert package["scripts"] == {"prebuild": "modelpack build", "build": "node build.mjs"}


def publish_one_chunk(workspace: Path, content: bytes, size: int) -> None:
    """A manifest with one chunk of `size` bytes, and the chunk's file with `content`."""
    models = workspace / "apps" / "web" / "public" / "models"
    (models / "c").mkdir(parents=True)
    (models / "c" / f"{'ab' * 32}.g.bin").write_bytes(content)
    manifest = {
        "delivery": {"base": "./", "chunkUrl": "c/{hash}{ext}"},
        "chunks": [{"hash": "ab" * 32, "size": 9, "enc": {"gzip": size}}],
    }
    (models / "manifest.json").write_text(json.dumps(manifest))


def run_build_script(workspace: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", "build.mjs"],
        cwd=workspace / "apps" / "web",
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


@needs_node
def test_monorepo_build_script_copies_chunks_and_pins_the_manifest(workspace: Path) -> None:
    publish_one_chunk(workspace, b"four", 4)
    finished = run_build_script(workspace)
    dist = workspace / "apps" / "web" / "dist"
    pin = hashlib.sha256((dist / "models" / "manifest.json").read_bytes()).hexdigest()
    assert finished.stdout == f"dist/index.html pins manifest {pin[:12]}\n"
    assert f'const pin = "{pin}";' in (dist / "index.html").read_text()
    assert (dist / "models" / "c" / f"{'ab' * 32}.g.bin").read_bytes() == b"four"


@needs_node
def test_monorepo_build_script_refuses_a_cut_off_chunk(workspace: Path) -> None:
    publish_one_chunk(workspace, b"fou", 4)
    finished = run_build_script(workspace)
    assert finished.returncode == 1
    assert "has 3 bytes; the manifest says 4" in finished.stderr
    assert not (workspace / "apps" / "web" / "dist").exists()


@needs_npm
@pytest.mark.slow
def test_monorepo_installs_packs_and_builds(workspace: Path) -> None:
    scripts = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command in (
        ["npm", "install", "--offline", "--no-audit", "--no-fund"],
        ["npm", "run", "build", "--workspace", "web"],
    ):
        finished = subprocess.run(
            command,
            cwd=workspace,
            env={**os.environ, "PATH": scripts},
            check=False,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert finished.returncode == 0, finished.stderr
    dist = workspace / "apps" / "web" / "dist"
    manifest = json.loads((dist / "models" / "manifest.json").read_bytes())
    assert [v["id"] for v in manifest["models"]["digits"]["variants"]] == ["q8", "fp32"]
    assert (workspace / ".modelpack" / "cache").is_dir()
