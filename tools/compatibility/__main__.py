"""Tries releases of onnxruntime-web and writes the table that builds are checked against.

`python -m tools.compatibility node_modules/onnxruntime-web …`: each folder is a release, unpacked. Releases that are in
the table already and not named stay. A release takes some minutes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from tools.compatibility.browser import builds_of, try_models
from tools.compatibility.documented import documented_kernels
from tools.compatibility.release import Provider, Release, TriedBuild
from tools.compatibility.schemas import OLDEST_OPSET
from tools.compatibility.table import kernels_of, untold_operators
from tools.compatibility.trials import all_trials, opset_trials
from tools.compatibility.written import read_releases, write_table

TABLE = Path("modelpack/graph/compatibility/onnxruntime-web.json")


def main() -> None:
    """Tries what is named and writes the table."""
    parser = argparse.ArgumentParser(prog="python -m tools.compatibility", description=__doc__)
    parser.add_argument("packages", nargs="+", type=Path, metavar="PACKAGE")
    releases = read_releases(TABLE)
    for package in parser.parse_args().packages:
        release = try_release(package)
        releases[release.version] = release
        write_table(TABLE, releases)


def try_release(package: Path) -> Release:
    """What each build of the release supports."""
    version = msgspec.json.decode((package / "package.json").read_bytes())["version"]
    trials, opsets = tuple(all_trials()), tuple(opset_trials())
    models = [model for _, model in opsets] + [trial.model for trial in trials]
    builds: dict[str, TriedBuild] = {}
    where = ""
    for build in builds_of(package):
        tried = try_models(package, build, models)
        states = {name: found[len(opsets) :] for name, found in tried.states.items()}
        runs = [
            opset
            for (opset, _), state in zip(opsets, tried.states["wasm"], strict=False)
            if state == "runs"
        ]
        providers = {
            name: Provider("tried", kernels_of(trials, found)) for name, found in states.items()
        }
        documented = documented_kernels(package) if "webgpu" in providers else {}
        if documented:
            providers["webnn"] = Provider("documented", documented)
        builds[build.name] = TriedBuild(
            (min(runs, default=OLDEST_OPSET), max(runs, default=OLDEST_OPSET)),
            providers,
            untold_operators(trials, states["wasm"]),
        )
        where = f"Chromium {tried.browser}, {tried.adapter}"
        sys.stderr.write(f"{version} {build.name}: {len(trials)} trials in {where}\n")
    return Release(version, where, builds)


if __name__ == "__main__":
    main()
