"""A model's golden set, as it is declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelpack.config import grammar
from modelpack.config import preprocess_keys as keys
from modelpack.config.containers import Values
from modelpack.config.metric_keys import METRIC_KEYS, METRICS
from modelpack.config.metrics_field import function_limits
from modelpack.config.place import spell
from modelpack.spec.golden import AudioLayout, Golden, ImageLayout, Preprocess, RawLayout, Reference
from modelpack.spec.limits import MetricLimit

FILE_SUFFIXES = (".npz", ".jsonl", ".safetensors")  # any other samples are a folder


def read_golden(golden: Values, references: Mapping[str, Reference]) -> Golden | None:
    """The golden set; None where the model has none."""
    if not golden.layers:
        return None
    samples = golden.value(grammar.SAMPLES)
    metrics = golden.table(METRICS)
    functions = tuple(function_limits(metrics))
    reference = golden.get(grammar.REFERENCE)
    other = golden.get(grammar.OTHER)
    suffixes = {path.suffix for path in (samples, other) if path is not None}
    preprocess = golden.get(keys.PREPROCESS) if not suffixes <= set(FILE_SUFFIXES) else None
    return Golden(
        samples=samples,
        # A tokenizer among the defaults is for the models with texts.
        tokenizer=golden.get(grammar.TOKENIZER) if ".jsonl" in suffixes else None,
        metrics=(*_limits(metrics), *(function.limit for function in functions)),
        functions=tuple(function.function for function in functions),
        labels=golden.get(grammar.LABELS),
        reference=None if reference is None else references[reference],
        preprocess=None if preprocess is None else _preprocess(preprocess),
        preprocessor=None if preprocess is None else preprocess.get(keys.CONFIG),
        other=other,
    )


def _limits(metrics: Values) -> Iterator[MetricLimit]:
    for metric, key in METRIC_KEYS:
        threshold = metrics.get(key)
        if threshold is not None:
            place = spell(metrics.place(key).keys)
            yield MetricLimit(
                metric, threshold.comparison, threshold.value, place, threshold.is_relative
            )


def _preprocess(values: Values) -> Preprocess:
    constants = tuple(sorted((values.get(keys.CONSTANTS) or {}).items()))
    match values.value(keys.KIND):
        case "image":
            return ImageLayout(
                size=_whole(values.get(keys.IMAGE_SIZE)),
                crop=_whole(values.get(keys.IMAGE_CROP)),
                range=values.value(keys.RANGE),
                mean=values.get(keys.MEAN) or (),
                std=values.get(keys.STD) or (),
                layout=values.get(keys.IMAGE_LAYOUT) or "",
                color=values.get(keys.COLOR) or "",
                resample=values.value(keys.RESAMPLE),
                constants=constants,
            )
        case "audio":
            return AudioLayout(
                values.value(keys.SAMPLE_RATE),
                values.get(keys.FRAME) or 0,
                values.value(keys.CONTEXT),
                constants,
            )
        case "raw":
            return RawLayout(
                values.get(keys.FIRST) or 0,
                values.get(keys.LAST) or 0,
                values.value(keys.PADDING),
                values.value(keys.STRIP),
                values.value(keys.BLOCK),
                constants,
            )


def _whole(numbers: tuple[float, ...] | None) -> tuple[int, ...]:
    return tuple(int(number) for number in numbers or ())
