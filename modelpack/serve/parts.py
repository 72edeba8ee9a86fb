"""Where the parts of the development page are: the page itself, the loader, and the project's onnxruntime-web."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from msgspec import Struct

from modelpack.bench.places import find_loader
from modelpack.errors import BenchError

_PAGES: Final = (
    Path(__file__).parent / "page",  # what releases have
    Path(__file__).parents[2]
    / "packages"
    / "dev-page"
    / "dist",  # a checkout after `npm run build`
)
_RUNTIME: Final = "ort.wasm.min.mjs"


class Parts(Struct, frozen=True):
    """Folders; None for what is not there."""

    page: Path | None
    loader: Path | None
    runtime: Path | None

    def notes(self) -> tuple[str, ...]:
        """What the page cannot do, and how it could."""
        missing = []
        if self.page is None or self.loader is None:
            missing.append("there is no page; in a checkout, `npm ci && npm run build` makes it")
        elif self.runtime is None:
            missing.append("the page cannot run models: `npm install onnxruntime-web`")
        return tuple(missing)


def find_parts(start: Path) -> Parts:
    """The parts for the project at `start`. The loader is the one that `modelpack bench` takes."""
    page = next((folder for folder in _PAGES if (folder / "index.html").is_file()), None)
    runtimes = (folder / "node_modules/onnxruntime-web/dist" for folder in (start, *start.parents))
    runtime = next((folder for folder in runtimes if (folder / _RUNTIME).is_file()), None)
    try:
        loader = find_loader(start)
    except BenchError:
        loader = None
    return Parts(page, loader, runtime)
