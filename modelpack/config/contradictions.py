"""What no single value can show: settings that contradict each other. JSON Schema does not see these.

1. The output folder holds the configuration or the cache, or lies in the cache.
2. What `variant_contradictions` finds in a variant.
3. A golden set lacks its samples or the tokenizer for them, or has a tokenizer for none.
4. State is carried twice, or its output is shaken off.
   A reference, a network or labels are asked for and not there, or a limit of what nothing measures.
5. The defaults and the models multiply to more than a build could hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from modelpack.config import budget_keys, grammar, source_keys
from modelpack.config import preprocess_keys as keys
from modelpack.config.assemble import cache_directory, models
from modelpack.config.budgets import load_time_places, read_networks, unmeasured_places
from modelpack.config.containers import Values, missing
from modelpack.config.fields import did_you_mean
from modelpack.config.golden import FILE_SUFFIXES
from modelpack.config.metric_keys import ACCURACY, F1, METRICS
from modelpack.config.place import Fault, Keys, Place, show
from modelpack.config.source_contradictions import source_contradictions
from modelpack.config.variant_contradictions import variant_contradictions
from modelpack.config.variant_keys import VARIANT_BUDGET, device_of, dtype_of
from modelpack.spec.sources import FileSource, HubSource, NpmSource, PythonSource, Source

# Defaults are the one way for a small file to mean a large project; more takes seconds to read.
_MAX_DEFAULT_VALUES = 50_000


def contradictions(values: Values) -> Iterator[Fault]:
    """Every contradiction, each once: what is wrong in the defaults is wrong in every model."""
    yield from _folders(values)
    multiplied = list(_multiplied(values))
    if multiplied:
        yield from multiplied
        return
    seen: set[tuple[Keys, str]] = set()
    for model in models(values).values():
        for fault in _in_model(model, values):
            if (fault.at, fault.message) not in seen:
                seen.add((fault.at, fault.message))
                yield fault


def _folders(values: Values) -> Iterator[Fault]:
    settings = values.table(grammar.OUTPUT)
    output, at = settings.value(grammar.OUTPUT_PATH), settings.place(grammar.OUTPUT_PATH)
    cache = cache_directory(values)
    cache_at = values.table(grammar.CACHE).place(grammar.CACHE_DIRECTORY)
    config_folder = values.at.folders.config_folder
    if _holds(output, config_folder):
        yield _contradiction(
            at, "the output folder contains the configuration; expected a folder of its own"
        )
    elif _holds(output, cache) or _holds(cache, output):
        yield _contradiction(
            at,
            "the output folder and the cache lie in each other; expected two folders",
        )
    elif _holds(cache, config_folder):
        yield _contradiction(
            cache_at, "the cache contains the configuration; expected a folder of its own"
        )


def _multiplied(values: Values) -> Iterator[Fault]:
    models_count = len(values.value(grammar.MODELS))
    values_count = sum(_count(table) for table, _ in values.table(grammar.DEFAULTS).layers)
    if models_count * values_count > _MAX_DEFAULT_VALUES:
        yield _contradiction(
            values.place(grammar.DEFAULTS),
            f"{values_count} values for each of {models_count} models; "
            f"expected at most {_MAX_DEFAULT_VALUES} together",
            remedy="write into the models what only some of them need",
        )


def _count(value: object) -> int:
    if isinstance(value, dict):
        return sum(_count(part) for part in value.values())
    return sum(_count(part) for part in value) if isinstance(value, list) else 1


def _in_model(model: Values, whole: Values) -> Iterator[Fault]:
    golden = model.table(grammar.GOLDEN)
    yield from _golden(golden, model.get(source_keys.SOURCE))
    yield from _reference(golden, str(model.at.keys[-1]), tuple(models(whole)))
    yield from source_contradictions(model)
    yield from _state(model)
    networks = tuple(read_networks(whole))
    yield from _networks(model.table(budget_keys.BUDGET), networks)
    for id_, variant in model.value(grammar.VARIANTS).items():
        yield from variant_contradictions(id_, variant, golden)
        yield from _networks(variant.table(VARIANT_BUDGET), networks)
        yield from _unmeasured(id_, variant, model.table(budget_keys.BUDGET))


def _reference(golden: Values, id_: str, known: tuple[str, ...]) -> Iterator[Fault]:
    reference = golden.get(grammar.REFERENCE)
    if reference is None:
        return
    at = golden.place(grammar.REFERENCE)
    if reference == id_:
        yield _contradiction(
            at,
            f"{show(reference)} is the model itself; expected another one",
            remedy="remove it: variants are compared with their original anyway",
        )
    elif reference not in known:
        near = did_you_mean(reference, known)
        yield _contradiction(at, f"no model is named {show(reference)}{near}")


def _networks(budget: Values, known: tuple[str, ...]) -> Iterator[Fault]:
    for name, at in load_time_places(budget).items():
        if name not in known:
            yield _contradiction(
                at,
                f"[networks] has no {show(name)}{did_you_mean(name, known)}",
                remedy=f'add [networks.{name}] with bandwidth = "9 Mbit/s" and latency = "165 ms"',
            )


def _unmeasured(id_: str, variant: Values, budget: Values) -> Iterator[Fault]:
    try:
        device = device_of(dtype_of(id_, variant), variant)
    except Fault:
        return  # `variant_contradictions` says so
    for name, at in unmeasured_places(variant.table(VARIANT_BUDGET).over(budget), device):
        yield _contradiction(
            at,
            f"nothing measures {name} on {device}, where {id_} runs, so no build could keep it",
            remedy=f"limit other devices by name, such as {name} = {{ wasm = … }}, and measure {id_} in a page",
        )


def _golden(golden: Values, source: Source | None) -> Iterator[Fault]:
    if not golden.layers:
        return
    samples, other = golden.get(grammar.SAMPLES), golden.get(grammar.OTHER)
    suffixes = {path.suffix for path in (samples, other) if path is not None}
    if samples is None:
        yield missing(grammar.SAMPLES, golden.at)
    elif (
        ".jsonl" in suffixes
        and golden.get(grammar.TOKENIZER) is None
        and not _may_be_checkpoint(source)
    ):
        yield missing(grammar.TOKENIZER, golden.at)
    elif suffixes == {".npz"} and grammar.TOKENIZER.name in golden.layers[0][0]:
        yield _contradiction(
            golden.place(grammar.TOKENIZER),
            f"{show(samples.name)} holds no texts; expected a tokenizer only beside a .jsonl file",
        )
    if samples is not None:
        yield from _preprocess(golden, not suffixes <= set(FILE_SUFFIXES))
    if golden.get(grammar.LABELS) is None:
        yield from _unlabelled(golden.table(METRICS))


def _unlabelled(metrics: Values) -> Iterator[Fault]:
    for key in (ACCURACY, F1):
        if metrics.get(key) is not None:
            yield _contradiction(
                metrics.place(key),
                f"{key.name} compares with labels; expected golden.labels",
                remedy='add labels = "golden/labels.json" to the golden set',
            )


def _preprocess(golden: Values, is_folder: bool) -> Iterator[Fault]:
    """A folder says how its files are read; each kind has its own keys."""
    preprocess = golden.get(keys.PREPROCESS)
    at = golden.place(keys.PREPROCESS)
    if preprocess is None:
        if is_folder:
            yield missing(keys.PREPROCESS, golden.at)
        return
    if not is_folder:
        if keys.PREPROCESS.name in golden.layers[0][0]:
            yield _contradiction(at, "only the files of a folder are preprocessed")
        return
    kind = preprocess.value(keys.KIND)
    written = [name for table, _ in preprocess.layers for name in table]
    for other, others in keys.KEYS_OF.items():
        for key in others:
            if other != kind and key.name in written:
                yield _contradiction(
                    preprocess.place(key), f"{key.name} is for {other}, and the kind is {kind}"
                )
    yield from _replaced(preprocess, written)


def _replaced(preprocess: Values, written: list[str]) -> Iterator[Fault]:
    """A preprocessor_config.json says what these keys would say."""
    if keys.CONFIG.name not in written:
        return
    for key in (keys.IMAGE_SIZE, keys.IMAGE_CROP, keys.RANGE, keys.MEAN, keys.STD, keys.RESAMPLE):
        if key.name in written:
            yield _contradiction(
                preprocess.place(key), f"config says it too; expected {key.name} or config"
            )


def _may_be_checkpoint(source: Source | None) -> bool:
    """Whether the source may bring its own tokenizer. Nothing is looked at here, but no folder ends in `.onnx`."""
    kinds = FileSource | NpmSource | PythonSource | HubSource
    return isinstance(source, kinds) and not str(source.path).endswith(".onnx")


def _state(model: Values) -> Iterator[Fault]:
    pairs = model.get(grammar.STATE) or ()
    kept = set(model.get(grammar.OUTPUTS) or ())
    for key in (grammar.STATE_INPUT, grammar.STATE_OUTPUT):
        seen: set[str] = set()
        for pair in pairs:
            name = pair.value(key)
            if name in seen:
                yield _contradiction(
                    pair.place(key), f"{show(name)} is carried twice; expected it once"
                )
            seen.add(name)
    for pair in pairs:
        name = pair.value(grammar.STATE_OUTPUT)
        if kept and name not in kept:
            yield _contradiction(
                pair.place(grammar.STATE_OUTPUT),
                f"{show(name)} is not among outputs, so it would be shaken off",
                remedy="add it to outputs",
            )


def _holds(folder: Path, inner: Path) -> bool:
    real, real_inner = folder.resolve(), inner.resolve()  # a link may lead to the project itself
    return real == real_inner or real in real_inner.parents


def _contradiction(at: Place, message: str, *, remedy: str = "") -> Fault:
    return Fault("MP-E113", at.keys, message, remedy=remedy)
