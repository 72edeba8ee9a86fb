"""Where a project's variants can be tried: its onnxruntime-web, and a browser of this machine. Starts nothing."""

from __future__ import annotations

import importlib.util
from importlib import metadata
from pathlib import Path
from typing import Final

from msgspec import Struct

from modelpack.bench.browsers import (
    Choice,
    choose_browser,
    chromium_places,
    installed_chromium,
)
from modelpack.bench.chromium import SoftwareGpu
from modelpack.bench.places import Runtime, find_runtime
from modelpack.errors import BenchError
from modelpack.spec.project import Project
from modelpack.store.signature import stat_signature

_DRIVER: Final = "playwright"


class Place(Struct, frozen=True):
    """A runtime and a browser. `identity` changes whenever the browser does, and costs nothing to know."""

    runtime: Runtime
    choice: Choice
    identity: str


def find_place(project: Project) -> Place:
    """Where the project's variants can be tried.

    Raises: BenchError MP-E803 if its onnxruntime-web is not installed, MP-E801 or MP-E802 if there is no browser or nothing
    to drive one with.
    """
    runtime = find_runtime(project.config.parent)
    if runtime is None:
        remedy = "run `npm install onnxruntime-web`"
        raise BenchError(
            "MP-E803", "there is no onnxruntime-web here that a page could load", remedy=remedy
        )
    if runtime.version != project.web_release:
        found = f"onnxruntime-web {runtime.version} is in node_modules, and pages load {project.web_release}"
        remedy = f"run `npm install onnxruntime-web@{project.web_release}`"
        raise BenchError("MP-E803", found, remedy=remedy)
    if importlib.util.find_spec(_DRIVER) is None:
        remedy = "run `pip install 'modelpack[browser]'`"
        raise BenchError("MP-E801", "Playwright is not installed", remedy=remedy)
    choice = installed_chromium()
    if choice is not None and choice.program is not None:
        signature = " ".join(map(str, stat_signature(choice.program)))
        identity = f"{choice.program} {signature}"
    else:
        # Its own browser is looked for only when one is needed: asking Playwright takes half a second.
        choice, identity = Choice("chromium", None), f"{_DRIVER} {metadata.version(_DRIVER)}"
    # An emulated graphics processor takes a minute for a model of 1 MB: nobody waits for that unasked.
    emulation: SoftwareGpu = "fallback" if project.tried == "always" else False
    choice = Choice(choice.name, choice.program, emulation)
    return Place(runtime, choice, f"{identity} {emulation}")


def check_browser(place: Place) -> Choice:
    """The browser of the place. Raises: BenchError MP-E802 if Playwright's own is wanted, and not installed."""
    if place.choice.program is None:
        choose_browser("chromium")
    return place.choice


def browser_files(place: Place) -> tuple[Path, ...]:
    """The program, where it was found without asking Playwright."""
    return (place.choice.program,) if place.choice.program else ()


def missing_files() -> tuple[Path, ...]:
    """Where a browser would be found that is not there yet."""
    return tuple(path for path in chromium_places() if not path.exists())
