"""A build of some models, made whole by what is published of the others."""

from __future__ import annotations

import msgspec

from modelpack.plan import variant_target
from modelpack.publish.folder import MANIFEST_FILE
from modelpack.publish.merge import merge_models
from modelpack.publish.pack import Pack, PackedModel, PackedVariant
from modelpack.publish.parse import parse_manifest
from modelpack.publish.wire import Manifest
from modelpack.spec.project import OutputSettings, Project


def complete_pack(pack: Pack, whole: Project) -> Pack:
    """The pack, with what stays published of configured variants that it lacks, in the order of the configuration.

    A whole build of the same inputs would publish the same bytes.
    Raises: ManifestError MP-E710 if what is published cannot be read.
    """
    targets = tuple(
        variant_target(model, variant) for model in whole.models for variant in model.variants
    )
    merged = merge_models(pack, _published(whole.output), targets)
    models = tuple(_in_order(model, targets) for model in merged.models)
    return msgspec.structs.replace(merged, models=models)


def _in_order(model: PackedModel, targets: tuple[str, ...]) -> PackedModel:
    def place(variant: PackedVariant) -> int:
        return targets.index(f"{model.id}@{variant.id}")

    return msgspec.structs.replace(model, variants=tuple(sorted(model.variants, key=place)))


def _published(output: OutputSettings) -> Manifest | None:
    path = output.path / MANIFEST_FILE
    return parse_manifest(path.read_bytes(), str(path)) if path.is_file() else None
