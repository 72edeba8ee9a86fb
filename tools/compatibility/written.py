"""The file of the table: sets of types once, and of each provider only in what it differs from the most similar one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from modelpack.graph.compatibility.table import FORMAT, read_file
from tools.compatibility.release import Provider, Release, TriedBuild
from tools.compatibility.table import Kernels, signatures


def read_releases(path: Path) -> dict[str, Release]:
    """The releases that the file has; none where there is no file."""
    if not path.is_file():
        return {}
    table = read_file(path.read_bytes())
    return {
        version: Release(
            version,
            release.browser,
            {
                name: TriedBuild(
                    build.opsets,
                    {
                        provider: Provider(one.evidence, table.kernels_of(one.kernels))
                        for provider, one in build.providers.items()
                    },
                    list(build.untold),
                )
                for name, build in release.builds.items()
            },
        )
        for version, release in table.releases.items()
    }


def write_table(path: Path, releases: Mapping[str, Release]) -> None:
    """Writes the file, the newest release first, one operator a line."""
    types: dict[str, int] = {}
    kernels: dict[str, dict[str, object]] = {}
    whole: dict[str, Kernels] = {}
    listed: dict[str, object] = {}
    for release in sorted(releases.values(), key=_age, reverse=True):
        builds = {}
        for name, build in release.builds.items():
            providers = {}
            for kind, provider in build.providers.items():
                own = f"{release.version} {name} {kind}"
                like = _most_similar(provider.kernels, whole)
                changes = _changes(provider.kernels, whole.get(like, {}))
                if changes or not like:
                    kernels[own] = {"like": like, "operators": _numbered(changes, types)}
                    whole[own] = provider.kernels
                    like = own
                providers[kind] = {"evidence": provider.evidence, "kernels": like}
            builds[name] = {"opsets": build.opsets, "untold": build.untold, "providers": providers}
        listed[release.version] = {"browser": release.browser, "builds": builds}
    document = {
        "format": FORMAT,
        "releases": listed,
        "types": list(types),
        "signatures": signatures(),
        "kernels": kernels,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_text(document), encoding="utf-8", newline="\n")


def _age(release: Release) -> tuple[int, ...]:
    return tuple(int(part) for part in release.version.split("."))


def _most_similar(kernels: Kernels, whole: Mapping[str, Kernels]) -> str:
    """The provider that differs in the fewest operators; none where starting anew takes fewer."""
    most, found = len(kernels), ""
    for name, other in whole.items():
        count = len(_changes(kernels, other))
        if count < most:
            most, found = count, name
    return found


def _changes(kernels: Kernels, other: Kernels) -> dict[str, object]:
    names: Iterable[str] = sorted({*kernels, *other})
    return {name: kernels.get(name) for name in names if kernels.get(name) != other.get(name)}


def _numbered(changes: Mapping[str, object], types: dict[str, int]) -> dict[str, object]:
    def number(value: object) -> object:
        match value:
            case str():
                return types.setdefault(value, len(types))
            case dict():
                return {name: number(one) for name, one in value.items()}
            case list() | tuple():
                return [number(one) for one in value]
            case _:
                return value

    return {name: number(value) for name, value in changes.items()}


def _text(value: object, depth: int = 0) -> str:
    """JSON with a line for each entry of the outer tables."""
    if not isinstance(value, dict) or depth >= 4 or not value:
        return json.dumps(value, separators=(",", ":"))
    lines = ",\n".join(f"{json.dumps(name)}:{_text(one, depth + 1)}" for name, one in value.items())
    return f"{{\n{lines}\n}}" + ("" if depth else "\n")
