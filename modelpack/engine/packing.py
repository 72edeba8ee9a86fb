"""Results of steps → what publish needs: the pack, and the figures that are judged and reported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from modelpack.compatible import AcceptedFallback, Compatibility
from modelpack.engine.inputs import Inputs
from modelpack.origin import export_step, exported_role
from modelpack.plan import RUNTIME_TARGET, variant_target
from modelpack.publish.pack import (
    PackedChunk,
    PackedForm,
    PackedModel,
    PackedRuntime,
    PackedVariant,
)
from modelpack.record import Evaluation, Layout, StepResult, TaskResult
from modelpack.spec.golden import StatePair
from modelpack.spec.project import Form, Model, RuntimeSettings
from modelpack.spec.sources import ExportedSource, HubSource, UrlSource
from modelpack.spec.variants import Variant
from modelpack.store.store import Store

_FORMS: tuple[Form, ...] = ("gzip", "zstd", "br")


def pack_model(
    model: Model, results: Mapping[str, TaskResult], store: Store, inputs: Inputs
) -> PackedModel:
    """The model with all variants that the plan built."""
    facts = inputs.facts(results[f"inspect:{model.id}"])
    kept = set(model.outputs) or {output.name for output in facts.outputs}
    variants = tuple(_pack_variant(model, variant, results, store) for variant in model.variants)
    return PackedModel(
        id=model.id,
        inputs=variants[0].layout.inputs,
        outputs=tuple(output for output in variants[0].layout.outputs if output.name in kept),
        state=carried_state(model, results, store),
        assets=_layout(results.get(f"assets:{model.id}"), store),
        load=model.load,
        group=model.group,
        variants=variants,
    )


def pack_runtime(
    runtime: RuntimeSettings | None, results: Mapping[str, TaskResult], store: Store
) -> PackedRuntime | None:
    """The runtime's WebAssembly, if the project publishes it and its step ended well."""
    layout = _layout(results.get(f"assets:{RUNTIME_TARGET}"), store)
    if runtime is None or layout is None:
        return None
    files = {file.path: file for file in layout.files}
    builds = tuple((build.device, files[build.path.name]) for build in runtime.builds)
    return PackedRuntime(runtime.package, runtime.version, builds)


def runtime_chunks(results: Mapping[str, TaskResult]) -> dict[str, PackedChunk]:
    """Every chunk of the runtime by digest; none where it is not published."""
    return _chunks_of([("assets", RUNTIME_TARGET)], results)


def packed_chunks(model: Model, results: Mapping[str, TaskResult]) -> dict[str, PackedChunk]:
    """Every chunk of the model's variants and assets by digest, with the compressed forms worth publishing."""
    targets = [("assets", model.id)]
    targets += [("split", variant_target(model, variant)) for variant in model.variants]
    return _chunks_of(targets, results)


def _chunks_of(
    targets: Iterable[tuple[str, str]], results: Mapping[str, TaskResult]
) -> dict[str, PackedChunk]:
    chunks: dict[str, PackedChunk] = {}
    for kind, target in targets:
        cut, compressed = results.get(f"{kind}:{target}"), results.get(f"compress:{target}")
        if cut is None:
            continue
        forms = dict(compressed.items) if compressed else {}
        for output in cut.with_role("chunk"):
            packed = PackedChunk(output.digest, output.size_bytes, _forms(forms.get(output.digest)))
            chunks[output.digest] = _merged(chunks.get(output.digest), packed)
    return chunks


def carried_state(
    model: Model, results: Mapping[str, TaskResult], store: Store
) -> tuple[StatePair, ...]:
    """The state that pages carry from call to call: what is configured, else what the source has."""
    return model.state or _exported_state(model, results, store)


def evaluation_of(
    target: str, results: Mapping[str, TaskResult], store: Store
) -> Evaluation | None:
    """What `evaluate` found for the variant, if it has a golden set."""
    evaluated = results.get(f"evaluate:{target}")
    if evaluated is None:
        return None
    (output,) = evaluated.with_role("evaluation")
    return msgspec.json.decode(store.blobs.read_bytes(output.digest), type=Evaluation)


def fallbacks_of(
    target: str, results: Mapping[str, TaskResult], store: Store
) -> tuple[AcceptedFallback, ...]:
    """The nodes of the variant that fall back to another provider, as the configuration accepts."""
    (output,) = results[f"compatibility:{target}"].with_role("compatibility")
    return msgspec.json.decode(store.blobs.read_bytes(output.digest), type=Compatibility).accepted


def _pack_variant(
    model: Model, variant: Variant, results: Mapping[str, TaskResult], store: Store
) -> PackedVariant:
    target = variant_target(model, variant)
    layout = _layout(results[f"split:{target}"], store)
    assert layout is not None  # noqa: S101 (for the type checker: the result is there)
    scheme = results[f"quantize:{target}"].only().measured("scheme")
    return PackedVariant(variant.id, variant.dtype, str(scheme), variant.device, layout)


def _exported_state(
    model: Model, results: Mapping[str, TaskResult], store: Store
) -> tuple[StatePair, ...]:
    """The state that the export or the download has: a cache of past keys and values, of the outputs that are kept."""
    if isinstance(model.source, ExportedSource):
        exported = results[export_step(model, model.source)]
        (output,) = exported.with_role(exported_role(model.source, "state"))
    elif isinstance(model.source, UrlSource | HubSource):
        (output,) = results[f"fetch:{model.id}"].with_role("state")
    else:
        return ()
    pairs = msgspec.json.decode(store.blobs.read_bytes(output.digest), type=tuple[StatePair, ...])
    return tuple(pair for pair in pairs if not model.outputs or pair.output in model.outputs)


def _layout(result: TaskResult | None, store: Store) -> Layout | None:
    if result is None:
        return None
    (output,) = result.with_role("layout")
    return msgspec.json.decode(store.blobs.read_bytes(output.digest), type=Layout)


def _forms(result: StepResult | None) -> tuple[PackedForm, ...]:
    if result is None:
        return ()
    return tuple(
        PackedForm(form, output.digest, output.size_bytes)
        for form in _FORMS
        for output in result.with_role(form)
    )


def _merged(one: PackedChunk | None, other: PackedChunk) -> PackedChunk:
    """The same chunk from two variants, with the forms of both: a float variant may have left brotli out."""
    if one is None:
        return other
    forms = {packed.form: packed for packed in (*one.forms, *other.forms)}
    ordered = tuple(forms[form] for form in _FORMS if form in forms)
    return msgspec.structs.replace(other, forms=ordered)
