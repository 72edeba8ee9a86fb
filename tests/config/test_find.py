from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.config.find import find_config, find_workspace
from modelpack.errors import UsageError


def test_find_config_looks_upward(tmp_path: Path) -> None:
    (tmp_path / "modelpack.toml").touch()
    inner = tmp_path / "src" / "pages"
    inner.mkdir(parents=True)
    assert find_config(inner, None) == tmp_path / "modelpack.toml"


def test_find_config_takes_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "modelpack.toml").touch()
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "modelpack.toml").touch()
    assert find_config(tmp_path / "app", None) == tmp_path / "app" / "modelpack.toml"


def test_find_config_passes_over_a_folder_of_that_name(tmp_path: Path) -> None:
    (tmp_path / "modelpack.toml").touch()
    (tmp_path / "app" / "modelpack.toml").mkdir(parents=True)
    assert find_config(tmp_path / "app", None) == tmp_path / "modelpack.toml"


def test_find_config_without_one_names_init(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_config(tmp_path, None)
    assert str(caught.value) == (
        f"MP-E102 no modelpack.toml in {tmp_path} or in any folder above it"
        ' — run "modelpack init" to write one, or choose one with --config'
    )


def test_find_config_explicit_is_seen_from_start(tmp_path: Path) -> None:
    (tmp_path / "other.toml").touch()
    assert find_config(tmp_path, Path("other.toml")) == tmp_path / "other.toml"


def test_find_config_explicit_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_config(tmp_path, Path("other.toml"))
    assert caught.value.code == "MP-E102"
    assert caught.value.message == (
        f"{tmp_path / 'other.toml'} does not exist; expected a configuration file"
    )


def test_find_config_explicit_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a file; expected a configuration file"):
        find_config(tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("marker", "content"),
    [
        ("pnpm-workspace.yaml", "packages: []"),
        ("package.json", '{"name": "root", "workspaces": ["apps/*"]}'),
        ("package.json", '{"workspaces": {"packages": ["apps/*"]}}'),
        (".git", "gitdir: ../.git/worktrees/feature"),
    ],
)
def test_find_workspace_takes_the_folder_with_a_marker(
    tmp_path: Path, marker: str, content: str
) -> None:
    (tmp_path / marker).write_text(content)
    (tmp_path / "apps" / "web").mkdir(parents=True)
    assert find_workspace(tmp_path / "apps" / "web" / "modelpack.toml") == tmp_path


@pytest.mark.parametrize("content", ['{"name": "web"}', "{", "[]", '"text"', "\xff", "[" * 100_000])
def test_find_workspace_passes_over_other_package_files(tmp_path: Path, content: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "package.json").write_bytes(content.encode("latin-1"))
    assert find_workspace(tmp_path / "web" / "modelpack.toml") == tmp_path


def test_find_workspace_takes_the_nearest_marker(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "pnpm-workspace.yaml").touch()
    assert find_workspace(tmp_path / "web" / "modelpack.toml") == tmp_path / "web"


def test_find_workspace_without_a_marker_is_the_folder(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    assert find_workspace(tmp_path / "web" / "modelpack.toml") == tmp_path / "web"
