"""What was foretold of variants beside what a build gave."""

from __future__ import annotations

import json
from pathlib import Path

from msgspec import Struct

from modelpack.publish.parse import parse_manifest
from modelpack.publish.sizes import variant_transfers


class Compared(Struct, frozen=True):
    """Foretold over real bytes in each encoding, the real loss, and the band that was foretold for it."""

    ratios: dict[str, float]
    loss: float
    band: tuple[float, float]

    @property
    def is_inside(self) -> bool:
        """Whether the real loss lies in the band; a float32's last bits are nobody's fault."""
        return self.band[0] - 1e-9 <= self.loss <= self.band[1] + 1e-9


def compare(estimated: str, manifest_path: Path, stats_path: Path) -> dict[str, Compared]:
    """Every variant of the estimate (JSON) by its name, `digits@q8`."""
    manifest = parse_manifest(manifest_path.read_bytes())
    stats = json.loads(stats_path.read_bytes())["variants"]
    found = {}
    for row in json.loads(estimated)["variants"]:
        (variant,) = (
            one for one in manifest.models[row["model"]].variants if one.id == row["variant"]
        )
        chunks = dict(variant_transfers(manifest, variant))
        own = [chunk for chunk in manifest.chunks if chunk.hash in chunks]
        # Of float weights a build makes no brotli unless it is asked to.
        made = {form for chunk in own for form, _ in chunk.enc.sizes()}
        real = {"raw": sum(chunk.size for chunk in own)}
        for form in sorted(made):
            real[form] = sum(dict(chunk.enc.sizes()).get(form, chunk.size) for chunk in own)
        metrics = stats[variant.digest]["evaluation"]["metrics"]
        cosine = next(one["value"] for one in metrics if one["metric"] == "cosine")
        found[f"{row['model']}@{row['variant']}"] = Compared(
            {form: row["bytes"][form] / real[form] for form in real}, 1 - cosine, tuple(row["loss"])
        )
    return found
