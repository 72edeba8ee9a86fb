"""Trials in a real browser: a session is created of each model, which looks up its kernels, and nothing is run.

1. Each build is asked for its wasm provider; what that cannot run is refused.
2. Builds with WebGPU are asked for that too, and forbidden to fall back, so that what WebGPU cannot run is refused.
3. An error behind the look-up (a kernel that misses an attribute) shows that there is a kernel.
"""

from __future__ import annotations

import base64
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from modelpack.bench.browsers import choose_browser, started
from modelpack.bench.driver import Page
from modelpack.bench.site import Folders, open_site

_BATCH: Final = 250
_ABSENT: Final = re.compile(
    "Could not find an implementation|assigned to the default CPU EP|Failed to find kernel"
    "|node_provider_type.empty|No Op registered|not a registered function/op|is till opset"
    r"|only \*guarantees\* support|Type Error: Type '|Unsupported model IR version"
)
# The trial is at fault: it says nothing of the kernel.
_UNTOLD: Final = re.compile(
    "ShapeInferenceError|TypeInferenceError|type inference failed|has input size|bound to different types"
    "|const_pointer_container"
)
State = Literal["runs", "fails", "untold"]
_PAGE: Final = """
async ([module, provider, models]) => {
  const ort = await import(`/ort/${module}`);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = `${location.origin}/ort/`;
  const extra = provider === "wasm" ? {} : { session: { disable_cpu_ep_fallback: "1" } };
  const found = [];
  for (const model of models) {
    const bytes = Uint8Array.from(atob(model), (character) => character.charCodeAt(0));
    const options = { executionProviders: [provider], graphOptimizationLevel: "disabled", logSeverityLevel: 4, extra };
    try {
      const session = await ort.InferenceSession.create(bytes, options);
      await session.release();
      found.push("");
    } catch (error) {
      found.push(`${error?.message ?? error}`);
    }
  }
  return found;
}
"""


class Build(Struct, frozen=True):
    """A way to load the package: its WebAssembly, the module that loads that, and its providers."""

    name: str
    module: str
    providers: tuple[str, ...]


# What `onnxruntime-web/wasm`, `/webgpu`, `/jspi` and the package itself load.
BUILDS: Final = (
    Build("ort-wasm-simd-threaded", "ort.wasm.min.mjs", ("wasm",)),
    Build("ort-wasm-simd-threaded.asyncify", "ort.webgpu.min.mjs", ("wasm", "webgpu")),
    Build("ort-wasm-simd-threaded.jspi", "ort.jspi.min.mjs", ("wasm", "webgpu")),
    Build("ort-wasm-simd-threaded.jsep", "ort.min.mjs", ("wasm", "webgpu")),
)


def state_of(message: str) -> State:
    """What an answer says of the provider; an empty one is a session that was created."""
    if _ABSENT.search(message):
        return "fails"
    return "untold" if _UNTOLD.search(message) else "runs"


def builds_of(package: Path) -> tuple[Build, ...]:
    """Those that this release ships: before 1.24 `onnxruntime-web/webgpu` loaded the build with JSEP."""
    dist = package / "dist"
    return tuple(
        build
        for build in BUILDS
        if (dist / f"{build.name}.wasm").is_file()
        and (dist / build.module).is_file()
        and f"{build.name}.mjs" in (dist / build.module).read_text(encoding="utf-8")
    )


class Tried(Struct, frozen=True):
    """What became of each model by provider, in order, and the browser that it was tried in."""

    browser: str
    adapter: str
    states: dict[str, tuple[State, ...]]


def try_models(package: Path, build: Build, models: Sequence[bytes]) -> Tried:
    """What this build says to each model. Raises: BenchError where there is no browser."""
    choice = choose_browser("", software_gpu=True)
    with tempfile.TemporaryDirectory() as name, started(choice) as browser:
        folder = Path(name)
        (folder / "index.html").write_text("<!doctype html><title>trials</title>")
        folders = Folders({"bench": folder, "ort": package / "dist"}, folder, folder)
        with open_site(folders) as origin, browser.page(origin, 1) as page:
            adapter = page.evaluate(
                "async () => (await navigator.gpu?.requestAdapter())?.info.architecture ?? ''"
            )
            states = {
                provider: tuple(_states(page, (build.module, provider), models))
                for provider in build.providers
            }
            return Tried(browser.version, str(adapter), states)


def _states(page: Page, way: tuple[str, str], models: Sequence[bytes]) -> list[State]:
    states: list[State] = []
    for start in range(0, len(models), _BATCH):
        batch = [base64.b64encode(model).decode() for model in models[start : start + _BATCH]]
        found = msgspec.convert(page.evaluate(_PAGE, [*way, batch]), list[str])
        states += [state_of(message) for message in found]
    return states
