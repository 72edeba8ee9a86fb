"""Where one build of one release runs a node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from modelpack.graph.compatibility.table import Evidence, Kernels, TableFile
from modelpack.spec.runtimes import BUILDS
from modelpack.spec.variants import Device

Place = Literal["device", "wasm", "nowhere", "unknown"]


class Support(Struct, frozen=True):
    """What a device has in one build: its own kernels, and those that it falls back to."""

    release: str
    build: str
    device: str
    opsets: tuple[int, int]
    evidence: Evidence
    untold: frozenset[str]
    own: Kernels
    fallback: Kernels

    def place(self, operator: str, since: int, types: Mapping[str, str]) -> Place:
        """What runs this version of an operator with these element types; an empty type may be any."""
        if _has(self.own, operator, since, types):
            return "device"
        if _has(self.fallback, operator, since, types):
            return "wasm"
        return "unknown" if operator in self.untold else "nowhere"


def table_release(table: TableFile, version: str) -> str:
    """The release of the table that speaks for this version: the same but for its patch. Empty where none does."""
    wanted = version.split(".")[:2]
    return next((known for known in table.releases if known.split(".")[:2] == wanted), "")


def newest_release(table: TableFile) -> str:
    """The newest release there is a table of."""
    return max(table.releases, key=lambda version: [int(part) for part in version.split(".")])


def support_of(table: TableFile, release: str, device: Device) -> Support | None:
    """What the device has in the build that pages load for it; None where the table does not say."""
    builds = table.releases[release].builds
    for name in BUILDS[device]:
        build = builds.get(name)
        own = build.providers.get(device) if build else None
        if build is None or own is None:
            continue
        fallback = table.kernels_of(build.providers["wasm"].kernels) if device != "wasm" else {}
        untold = frozenset(build.untold)
        return Support(
            release,
            name,
            device,
            build.opsets,
            own.evidence,
            untold,
            table.kernels_of(own.kernels),
            fallback,
        )
    return None


def _has(kernels: Kernels, operator: str, since: int, types: Mapping[str, str]) -> bool:
    rows = []
    for version, found in kernels.get(operator, ()):
        if version <= since:
            rows = found
    return any(
        all(not types.get(name) or types[name] in allowed.split() for name, allowed in row.items())
        for row in rows
    )
