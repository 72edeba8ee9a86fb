"""Checked values → Project: defaults under models, models under variants, every path absolute."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from modelpack.config import grammar
from modelpack.config.containers import Key, Values, missing
from modelpack.config.place import spell
from modelpack.config.threshold_field import Threshold
from modelpack.spec import (
    Asset,
    CacheSettings,
    Device,
    Dtype,
    Golden,
    Limit,
    Metric,
    MetricLimit,
    Mode,
    Model,
    OutputSettings,
    Project,
    Quantity,
    StatePair,
    Variant,
)

DEFAULT_CACHE = ".modelpack/cache"

_METRICS: tuple[tuple[Metric, Key[Threshold]], ...] = (
    ("cosine", grammar.COSINE),
    ("max_abs_error", grammar.MAX_ABS_ERROR),
    ("top1_agreement", grammar.TOP1_AGREEMENT),
)
_QUANTITIES: tuple[tuple[Quantity, Key[int]], ...] = (
    ("download", grammar.DOWNLOAD),
    ("size", grammar.SIZE),
    ("chunks", grammar.CHUNKS),
)


def assemble(values: Values, config: Path, mode: Mode) -> Project:
    """The project; `values` have no faults and no contradictions."""
    return Project(
        config=config,
        workspace=values.at.folders.workspace,
        output=_output(values.table(grammar.OUTPUT)),
        cache=_cache(values),
        models=tuple(_model(id_, model, mode) for id_, model in models(values).items()),
    )


def models(values: Values) -> dict[str, Values]:
    """Each model over the defaults."""
    defaults = values.table(grammar.DEFAULTS)
    return {id_: model.over(defaults) for id_, model in values.value(grammar.MODELS).items()}


def cache_directory(values: Values) -> Path:
    """Where results are remembered."""
    written = values.table(grammar.CACHE).get(grammar.CACHE_DIRECTORY)
    return written or values.at.folders.workspace / DEFAULT_CACHE


def dtype_of(id_: str, variant: Values) -> Dtype:
    """The dtype written, else the one that the variant's id names. Raises: Fault if it names none."""
    dtype = variant.get(grammar.DTYPE)
    if dtype is not None:
        return dtype
    if id_ not in (*grammar.DTYPES, *grammar.DTYPES_LATER):
        raise missing(grammar.DTYPE, variant.at)
    return grammar.DTYPE.field.read(id_, variant.at)


def device_of(dtype: Dtype, variant: Values) -> Device:
    """The device written, else the one that suits the dtype: half precision has no kernels in wasm."""
    return variant.get(grammar.DEVICE) or ("webgpu" if dtype == "fp16" else "wasm")


def _output(output: Values) -> OutputSettings:
    return OutputSettings(
        path=output.value(grammar.OUTPUT_PATH),
        host=output.value(grammar.HOST),
        keep_generations=output.value(grammar.KEEP_GENERATIONS),
        types=output.get(grammar.TYPES),
        compression=output.value(grammar.COMPRESSION),
    )


def _cache(values: Values) -> CacheSettings:
    cache = values.table(grammar.CACHE)
    return CacheSettings(
        directory=cache_directory(values),
        max_size_bytes=cache.value(grammar.MAX_SIZE),
        max_age_s=cache.value(grammar.MAX_AGE),
    )


def _model(id_: str, model: Values, mode: Mode) -> Model:
    return Model(
        id=id_,
        source=model.value(grammar.SOURCE),
        outputs=model.get(grammar.OUTPUTS) or (),
        free_dimensions=tuple(sorted((model.get(grammar.FREE_DIMENSIONS) or {}).items())),
        state=tuple(_state(pair) for pair in model.get(grammar.STATE) or ()),
        assets=tuple(
            Asset(name, path) for name, path in sorted((model.get(grammar.ASSETS) or {}).items())
        ),
        load=model.value(grammar.LOAD),
        group=model.get(grammar.GROUP),
        simplify="simplify" in model.value(grammar.PASSES),
        chunk_size_bytes=model.value(grammar.CHUNK_SIZE),
        golden=_golden(model.table(grammar.GOLDEN)),
        variants=tuple(
            _variant(variant_id, variant, model.table(grammar.BUDGET), mode)
            for variant_id, variant in model.value(grammar.VARIANTS).items()
        ),
    )


def _state(pair: Values) -> StatePair:
    return StatePair(pair.value(grammar.STATE_INPUT), pair.value(grammar.STATE_OUTPUT))


def _golden(golden: Values) -> Golden | None:
    if not golden.layers:
        return None
    samples = golden.value(grammar.SAMPLES)
    return Golden(
        samples=samples,
        # A tokenizer among the defaults is for the models with texts.
        tokenizer=golden.get(grammar.TOKENIZER) if samples.suffix == ".jsonl" else None,
        metrics=tuple(_metric_limits(golden.table(grammar.METRICS))),
    )


def _metric_limits(metrics: Values) -> Iterator[MetricLimit]:
    for metric, key in _METRICS:
        threshold = metrics.get(key)
        if threshold is not None:
            yield MetricLimit(
                metric, threshold.comparison, threshold.value, spell(metrics.place(key).keys)
            )


def _variant(id_: str, variant: Values, budget: Values, mode: Mode) -> Variant:
    dtype = dtype_of(id_, variant)
    return Variant(
        id=id_,
        dtype=dtype,
        device=device_of(dtype, variant),
        nodes_to_exclude=variant.value(grammar.NODES_TO_EXCLUDE),
        block_size=variant.get(grammar.GROUP_SIZE) or variant.value(grammar.BLOCK_SIZE),
        budget=tuple(_limits(variant.table(grammar.VARIANT_BUDGET).over(budget), mode)),
    )


def _limits(budget: Values, mode: Mode) -> Iterator[Limit]:
    hints = "warning" if mode == "development" else budget.value(grammar.HINTS)
    for quantity, key in _QUANTITIES:
        maximum = budget.get(key)
        if maximum is not None:
            yield Limit(quantity, maximum, hints, spell(budget.place(key).keys))
