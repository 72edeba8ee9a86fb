"""Checked values → Project: defaults under models, models under variants, every path absolute."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from modelpack.config import budget_keys, compatibility_keys, grammar, runtime_keys, variant_keys
from modelpack.config.budgets import read_limits, read_networks
from modelpack.config.containers import Values
from modelpack.config.golden import read_golden
from modelpack.config.source_keys import read_export, read_source
from modelpack.hosting import address, usual_host_file
from modelpack.spec.golden import Reference, StatePair
from modelpack.spec.limits import Network
from modelpack.spec.project import (
    Asset,
    CacheSettings,
    HostFile,
    Mode,
    Model,
    OutputSettings,
    Project,
    RuntimeSettings,
)
from modelpack.spec.variants import Variant

DEFAULT_CACHE = ".modelpack/cache"


class _Around(Struct, frozen=True):
    """What of the rest of the file a model may refer to."""

    mode: Mode
    networks: dict[str, Network]
    references: dict[str, Reference]


def assemble(values: Values, config: Path, mode: Mode) -> Project:
    """The project; `values` have no faults and no contradictions."""
    found = models(values)
    references = {id_: _reference(id_, model) for id_, model in found.items()}
    around = _Around(mode, read_networks(values), references)
    return Project(
        config=config,
        workspace=values.at.folders.workspace,
        output=_output(values.table(grammar.OUTPUT), config),
        cache=_cache(values),
        models=tuple(_model(id_, model, around) for id_, model in found.items()),
        runtime=_runtime(values),
        web_release=values.table(runtime_keys.RUNTIME).get(runtime_keys.RUNTIME_VERSION) or "",
        tried=compatibility_keys.tried_in_browser(values.table(compatibility_keys.COMPATIBILITY)),
    )


def models(values: Values) -> dict[str, Values]:
    """Each model over the defaults."""
    defaults = values.table(grammar.DEFAULTS)
    return {id_: model.over(defaults) for id_, model in values.value(grammar.MODELS).items()}


def cache_directory(values: Values) -> Path:
    """Where results are remembered."""
    written = values.table(grammar.CACHE).get(grammar.CACHE_DIRECTORY)
    return written or values.at.folders.workspace / DEFAULT_CACHE


def _output(output: Values, config: Path) -> OutputSettings:
    return OutputSettings(
        path=output.value(grammar.OUTPUT_PATH),
        host=output.value(grammar.HOST),
        keep_generations=output.value(grammar.KEEP_GENERATIONS),
        types=output.get(grammar.TYPES),
        host_file=_host_file(output, config),
        compression=output.value(grammar.COMPRESSION),
    )


def _host_file(output: Values, config: Path) -> HostFile | None:
    named = output.get(grammar.HOST_FILE)
    path, workspace = output.value(grammar.OUTPUT_PATH), output.at.folders.workspace
    if named is None:
        return usual_host_file(output.value(grammar.HOST), path, config, workspace)
    return HostFile(named, address(path, workspace), is_named=True) if named else None


def _runtime(values: Values) -> RuntimeSettings | None:
    """What is published of the runtime: nothing unless it is named, and where only its name is."""
    runtime = values.get(runtime_keys.RUNTIME)
    if runtime is None or not runtime.value(runtime_keys.PACK):
        return None
    return RuntimeSettings(runtime.value(runtime_keys.RUNTIME_PACKAGE))


def _cache(values: Values) -> CacheSettings:
    cache = values.table(grammar.CACHE)
    return CacheSettings(
        directory=cache_directory(values),
        max_size_bytes=cache.value(grammar.MAX_SIZE),
        max_age_s=cache.value(grammar.MAX_AGE),
    )


def _reference(id_: str, model: Values) -> Reference:
    return Reference(
        id_,
        read_source(model),
        model.get(grammar.OUTPUTS) or (),
        tuple(sorted((model.get(grammar.FREE_DIMENSIONS) or {}).items())),
        tuple(_state(pair) for pair in model.get(grammar.STATE) or ()),
        read_export(model),
    )


def _model(id_: str, model: Values, around: _Around) -> Model:
    reference = around.references[id_]
    return Model(
        id=id_,
        source=reference.source,
        outputs=reference.outputs,
        free_dimensions=reference.free_dimensions,
        state=reference.state,
        assets=tuple(
            Asset(name, path) for name, path in sorted((model.get(grammar.ASSETS) or {}).items())
        ),
        load=model.value(grammar.LOAD),
        group=model.get(grammar.GROUP),
        simplify="simplify" in model.value(grammar.PASSES),
        chunk_size_bytes=model.value(grammar.CHUNK_SIZE),
        golden=read_golden(model.table(grammar.GOLDEN), around.references),
        variants=tuple(
            _variant(variant_id, variant, model.table(budget_keys.BUDGET), around)
            for variant_id, variant in model.value(grammar.VARIANTS).items()
        ),
        export=reference.export,
    )


def _state(pair: Values) -> StatePair:
    return StatePair(pair.value(grammar.STATE_INPUT), pair.value(grammar.STATE_OUTPUT))


def _variant(id_: str, variant: Values, budget: Values, around: _Around) -> Variant:
    dtype = variant_keys.dtype_of(id_, variant)
    device = variant_keys.device_of(dtype, variant)
    own = variant.table(variant_keys.VARIANT_BUDGET).over(budget)
    return Variant(
        id=id_,
        dtype=dtype,
        device=device,
        nodes_to_exclude=variant.value(variant_keys.NODES_TO_EXCLUDE),
        block_size=variant_keys.block_size_of(variant),
        budget=tuple(read_limits(own, device, around.mode, around.networks)),
        shape=variant_keys.shape_of(id_, variant),
        objective=variant.value(variant_keys.OBJECTIVE),
        settings=variant_keys.settings_of(variant),
        accepted_fallbacks=tuple((variant.get(variant_keys.ACCEPT_FALLBACK) or {}).items()),
    )
