"""Where the parts of the development page are: the page itself, the loader, and the project's onnxruntime-web."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

_SHIPPED = Path(__file__).parent / "page"  # what releases have
_PACKAGES = Path(__file__).parents[2] / "packages"  # what a checkout has after `npm run build`


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
    """The parts for the project at `start`."""
    page = _first((_SHIPPED, _PACKAGES / "dev-page" / "dist"), "index.html")
    loader = _first((_PACKAGES / "loader" / "dist",), "index.js")
    runtime = _first(
        tuple(folder / "node_modules/onnxruntime-web/dist" for folder in (start, *start.parents)),
        "ort.wasm.min.mjs",
    )
    return Parts(page, loader, runtime)


def _first(folders: tuple[Path, ...], name: str) -> Path | None:
    return next((folder for folder in folders if (folder / name).is_file()), None)
