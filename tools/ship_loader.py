"""Puts the built loader into the wheel, as modelpack/bench/loader: `modelpack bench` serves it where a project has none.

`npm run build` makes it. A wheel that is built without it works, and says how to install the loader when it is needed.
"""

from __future__ import annotations

from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ShipLoader(BuildHookInterface):  # type: ignore[type-arg]  # generic over configurations, of which it has none
    """What hatchling calls before it builds."""

    def initialize(self, version: str, build_data: dict[str, dict[str, str]]) -> None:
        """Adds the loader's scripts to what is built; a checkout that is installed editable finds them where they are."""
        if version == "editable":
            return
        built = Path(self.root) / "packages" / "loader" / "dist"
        folder = "modelpack/bench/loader" if self.target_name == "wheel" else "packages/loader/dist"
        build_data["force_include"].update(
            {str(path): f"{folder}/{path.name}" for path in sorted(built.glob("*.js"))}
        )
