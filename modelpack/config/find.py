"""Where the configuration lies, and the workspace around it that its paths may not leave."""

from __future__ import annotations

import json
from pathlib import Path

from modelpack.errors import UsageError

CONFIG_NAME = "modelpack.toml"
_PACKAGE_JSON_BYTES = 4 << 20  # a package.json above this is not one


def find_config(start: Path, explicit: Path | None) -> Path:
    """The configuration file: `explicit` seen from `start`, else the nearest modelpack.toml from `start` upward.

    Raises: UsageError if there is none.
    """
    if explicit is not None:
        return _chosen(start / explicit)
    here = start.absolute()
    for folder in (here, *here.parents):
        if (folder / CONFIG_NAME).is_file():
            return folder / CONFIG_NAME
    raise UsageError(
        "MP-E102",
        f"no {CONFIG_NAME} in {here} or in any folder above it",
        remedy='run "modelpack init" to write one, or choose one with --config',
    )


def find_workspace(config: Path) -> Path:
    """The nearest folder from `config` upward that is the root of a workspace; without one, the file's own folder.

    A root has (1) a pnpm-workspace.yaml, (2) a package.json with `workspaces`, or (3) a .git.
    """
    here = config.absolute().parent
    for folder in (here, *here.parents):
        if _is_root(folder):
            return folder
    return here


def _chosen(path: Path) -> Path:
    config = path.absolute()
    if config.is_file():
        return config
    found = "is not a file" if config.exists() else "does not exist"
    raise UsageError(
        "MP-E102",
        f"{config} {found}; expected a configuration file",
        remedy='name the file with --config, or run "modelpack init" to write one',
    )


def _is_root(folder: Path) -> bool:
    return (
        (folder / "pnpm-workspace.yaml").is_file()
        or _has_workspaces(folder / "package.json")
        or (folder / ".git").exists()  # a folder, or the file of a worktree or submodule
    )


def _has_workspaces(package_json: Path) -> bool:
    try:
        if package_json.stat().st_size > _PACKAGE_JSON_BYTES:
            return False
        # json rather than msgspec: a build with nothing to do comes through here, and json is loaded already.
        package = json.loads(package_json.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False  # another tool's broken file is not ours to report
    return isinstance(package, dict) and isinstance(package.get("workspaces"), list | dict)
