from __future__ import annotations

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
LEFT_OUT = shutil.ignore_patterns("node_modules", ".modelpack", ".turbo", "public", "dist")
APPS = ("kiosk", "web")

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "acme", ignore=LEFT_OUT))


def link_package(workspace: Path, folder: str) -> None:
    """What an installer does: `node_modules/@acme/models` in `folder` points to the package."""
    scope = workspace / folder / "node_modules" / "@acme"
    scope.mkdir(parents=True)
    (scope / "models").symlink_to(workspace / "packages" / "models", target_is_directory=True)


def link_command(workspace: Path) -> None:
    """What an installer does: the npm package's command is where npm scripts find it."""
    commands = workspace / "node_modules" / ".bin"
    commands.mkdir(parents=True)
    (commands / "modelpack").symlink_to(ROOT / "packages" / "cli" / "bin" / "modelpack.js")


@pytest.mark.parametrize("folder", ["apps/web", "."], ids=["pnpm", "npm"])
def test_monorepo_model_is_found_where_installers_link_it(workspace: Path, folder: str) -> None:
    link_package(workspace, folder)
    project = read_project(workspace / "apps" / "web" / "modelpack.toml", "production")
    found = locate(project.models[0].source)
    assert found.resolve() == workspace.resolve() / "packages" / "models" / "digits.onnx"
    assert project.workspace == workspace


def test_monorepo_model_is_small() -> None:
    assert (EXAMPLE / "packages" / "models" / "digits.onnx").stat().st_size <= 100_000


@pytest.mark.parametrize("app", APPS)
def test_monorepo_apps_have_the_scripts_of_the_tasks(app: str) -> None:
    package = json.loads((EXAMPLE / "apps" / app / "package.json").read_bytes())
    tasks = json.loads((EXAMPLE / "turbo.json").read_bytes())["tasks"]
    assert package["scripts"] == {"models": "modelpack build", "build": "vite build", "dev": "vite"}
    assert set(tasks) == set(package["scripts"])


def test_monorepo_workflow_checks_the_packages_that_have_the_command() -> None:
    workflow = (EXAMPLE / ".github" / "workflows" / "ci.yml").read_text()
    assert '- run: pnpm --filter "./apps/*" exec modelpack check\n' in workflow
    for config in EXAMPLE.glob("*/*/modelpack.toml"):
        package = json.loads(config.with_name("package.json").read_bytes())
        assert config.parent.parent.name == "apps"
        assert "modelpack" in package["devDependencies"]


def run_models(workspace: Path, app: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["npm", "run", "--silent", "models", "--workspace", app, "--", *arguments],
        cwd=workspace,
        env={**os.environ, "MODELPACK_PYTHON": sys.executable, "PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )


@needs_npm
def test_monorepo_npm_script_passes_arguments_output_and_exit_code(workspace: Path) -> None:
    link_command(workspace)
    link_package(workspace, ".")
    planned = run_models(workspace, "web", "--dry-run", "--json")
    assert planned.returncode == 0, planned.stderr
    assert json.loads(planned.stdout)["steps"]
    unknown = run_models(workspace, "web", "nothing")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert '"nothing" names no model or variant' in unknown.stderr


@needs_npm
@pytest.mark.slow
def test_monorepo_apps_share_what_both_need(workspace: Path) -> None:
    link_command(workspace)
    link_package(workspace, ".")
    built = {}
    for app in ("web", "kiosk"):
        finished = run_models(workspace, app, "--json")
        assert finished.returncode == 0, finished.stderr
        built[app] = json.loads(finished.stdout)["variants"]
    assert [v["variant"] for v in built["web"]] == ["q8", "fp32"]
    # What the first one made, the second one need not make.
    assert [(v["variant"], v["steps"] - v["cachedSteps"]) for v in built["kiosk"]] == [("q8", 0)]
    assert (workspace / ".modelpack" / "cache").is_dir()
