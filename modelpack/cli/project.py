"""The project that a command line speaks of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from modelpack.cli.options import Options
from modelpack.config.find import find_config
from modelpack.config.read import read_project
from modelpack.engine.settling import at_hand
from modelpack.sources.lock import lock_path, pinned, read_lock
from modelpack.sources.recognise import recognise
from modelpack.sources.runtime import with_runtime
from modelpack.spec.project import Mode, Project
from modelpack.store.store import Store, open_store


def load_project(
    options: Options,
    mode: Mode = "production",
    *,
    locked: bool = True,
    settled: Callable[[Project], Project] = at_hand,
) -> Project:
    """The project of the modelpack.toml that -C and --config choose, pinned by its lock. Raises: UsageError.

    `settled` says what there is of sources on the hub; unless a command asks for more, that is what lies in the cache.
    """
    project = read_project(config_path(options), mode)
    return completed(project, settled) if locked else recognise(settled(project))


def completed(project: Project, settled: Callable[[Project], Project] = at_hand) -> Project:
    """The project pinned by its lock, with its sources recognised. Raises: UsageError."""
    lock = read_lock(lock_path(project.config))
    return with_runtime(recognise(settled(pinned(project, lock))))


def config_path(options: Options) -> Path:
    """The configuration file that -C and --config choose. Raises: UsageError MP-E102."""
    return find_config(Path.cwd() / (options.directory or ""), options.config)


def project_store(project: Project) -> Store:
    """The project's cache, opened. Step histories are kept by the configuration file's place in the workspace."""
    return open_store(
        project.cache.directory, project.config.relative_to(project.workspace).as_posix()
    )
