"""onnxruntime-web as the project has installed it: its version, and the WebAssembly that each device needs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec.structs import replace

from modelpack.errors import SourceError
from modelpack.sources.locate import locate, npm_trail
from modelpack.spec.project import Project, RuntimeBuild
from modelpack.spec.runtimes import BUILDS
from modelpack.spec.sources import NpmSource
from modelpack.spec.variants import Device

_PACKAGE = "onnxruntime-web"


class _Package(msgspec.Struct, frozen=True):
    version: str


def with_runtime(project: Project) -> Project:
    """The project with the version of its runtime and the builds that its variants' devices need.

    Raises: SourceUnreachableError MP-E220 if the package is not installed, SourceError MP-E220 if it is not as expected.
    """
    runtime = project.runtime
    if runtime is None:
        return replace(project, web_release=project.web_release or installed_release(project))
    start = project.config.parent
    version = _version(locate(NpmSource(runtime.package, "package.json", start)))
    devices = {variant.device for model in project.models for variant in model.variants}
    builds = tuple(_build(runtime.package, device, start) for device in sorted(devices))
    return replace(
        project,
        runtime=replace(runtime, version=version, builds=builds),
        web_release=project.web_release or version,
    )


def installed_release(project: Project) -> str:
    """The version of onnxruntime-web that the project has installed; empty where it has none."""
    package, _ = release_trail(project.config)
    if package is None:
        return ""
    try:
        return msgspec.json.decode(package.read_bytes(), type=_Package).version
    except (OSError, msgspec.DecodeError):
        return ""


def release_trail(config: Path) -> tuple[Path | None, tuple[Path, ...]]:
    """The file that says which release is installed (None: none is), and the folders that would come before it."""
    source = NpmSource(_PACKAGE, "package.json", config.parent)
    package, nearer = npm_trail(source)
    if package.is_file():
        return package, nearer
    folders = (config.parent, *config.parent.parents)
    return None, tuple(folder / "node_modules" / _PACKAGE for folder in folders)


def _version(path: Path) -> str:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Package).version
    except (OSError, msgspec.DecodeError) as err:
        raise SourceError(
            "MP-E220",
            f"its version cannot be read: {err}",
            where=str(path),
            remedy="install the package again",
        ) from err


def _build(package: str, device: Device, start: Path) -> RuntimeBuild:
    names = (f"dist/{name}.wasm" for name in BUILDS[device])
    return RuntimeBuild(device, _first(package, names, start))


def _first(package: str, names: Iterable[str], start: Path) -> Path:
    """The first of these files that the package has. Raises: SourceError that names the last."""
    *others, last = names
    for name in others:
        try:
            return locate(NpmSource(package, name, start))
        except SourceError:
            continue
    return locate(NpmSource(package, last, start))
