"""Puts what `npm run build` made into the wheel: the loader, as modelpack/bench/loader, and the page of `modelpack dev`.

`modelpack bench` and `modelpack dev` serve that loader where a project has none. A wheel that is built without it works,
and says what is missing when it is needed.
"""

from __future__ import annotations

from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PARTS = (("loader", "*.js", "modelpack/bench/loader"), ("dev-page", "*", "modelpack/serve/page"))


class ShipLoader(BuildHookInterface):  # type: ignore[type-arg]  # generic over configurations, of which it has none
    """What hatchling calls before it builds."""

    def initialize(self, version: str, build_data: dict[str, dict[str, str]]) -> None:
        """Adds the scripts to what is built; a checkout that is installed editable finds them where they are."""
        if version == "editable":
            return
        for package, pattern, shipped in _PARTS:
            built = Path(self.root) / "packages" / package / "dist"
            folder = shipped if self.target_name == "wheel" else f"packages/{package}/dist"
            build_data["force_include"].update(
                {str(path): f"{folder}/{path.name}" for path in sorted(built.glob(pattern))}
            )
