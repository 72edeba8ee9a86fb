"""What is published and what was committed, as figures that can be judged and compared."""

from __future__ import annotations

from pathlib import Path

from modelpack.errors import UsageError
from modelpack.judge.baseline import Baseline, parse_baseline
from modelpack.judge.latency import measured_figures
from modelpack.judge.stats import Stats, parse_stats
from modelpack.publish.sizes import asset_transfers, variant_transfer_bytes, variant_transfers
from modelpack.publish.wire import Manifest, ManifestModel, ManifestVariant
from modelpack.published import PublishedVariant


def read_baseline(path: Path) -> Baseline:
    """The committed baseline; an empty one where there is none. Raises: UsageError MP-E610 if it is malformed."""
    content = _read(path)
    return Baseline() if content is None else parse_baseline(content, path.name)


def read_stats(path: Path) -> Stats:
    """What was measured; nothing where nothing was. Raises: UsageError MP-E610 if the file is malformed."""
    content = _read(path)
    return Stats() if content is None else parse_stats(content, path.name)


def published_variants(manifest: Manifest, stats: Stats) -> dict[str, PublishedVariant]:
    """The figures of every published variant by its name, `minilm@q8`, in the order of the manifest."""
    return {
        f"{model_id}@{variant.id}": _figures(manifest, model, variant, stats)
        for model_id, model in manifest.models.items()
        for variant in model.variants
    }


def _figures(
    manifest: Manifest, model: ManifestModel, variant: ManifestVariant, stats: Stats
) -> PublishedVariant:
    known = stats.variants.get(variant.digest)
    evaluation = known.evaluation if known else None
    return PublishedVariant(
        digest=variant.digest,
        download_bytes=variant_transfer_bytes(manifest, variant),
        size_bytes=variant.size.decoded,
        chunks=dict(variant_transfers(manifest, variant)),
        accuracy={metric.metric: metric.value for metric in evaluation.metrics}
        if evaluation
        else {},
        assets=asset_transfers(manifest, model),
        measured=measured_figures(known.runs, variant.device) if known else {},
    )


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as err:
        raise UsageError("MP-E610", f"cannot be read ({err.strerror})", where=path.name) from err
