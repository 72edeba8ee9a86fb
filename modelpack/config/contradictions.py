"""What no single value can show: settings that contradict each other. JSON Schema does not see these.

1. The output folder holds the configuration or the cache, or lies in the cache.
2. A variant has no dtype, or a setting that its dtype has no use for.
3. A golden set lacks its samples or the tokenizer for them, or has a tokenizer for none.
4. State is carried twice, or its output is shaken off.
5. The defaults and the models multiply to more than a build could hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from modelpack.config import grammar
from modelpack.config.assemble import cache_directory, device_of, dtype_of, models
from modelpack.config.containers import Values, missing
from modelpack.config.place import Fault, Keys, Place, show

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
        for fault in _in_model(model):
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
            f"the output folder {output.name} and the cache lie in each other; expected two folders",
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


def _in_model(model: Values) -> Iterator[Fault]:
    yield from _golden(model.table(grammar.GOLDEN))
    yield from _state(model)
    for id_, variant in model.value(grammar.VARIANTS).items():
        yield from _variant(id_, variant)


def _golden(golden: Values) -> Iterator[Fault]:
    if not golden.layers:
        return
    samples = golden.get(grammar.SAMPLES)
    if samples is None:
        yield missing(grammar.SAMPLES, golden.at)
    elif samples.suffix == ".jsonl" and golden.get(grammar.TOKENIZER) is None:
        yield missing(grammar.TOKENIZER, golden.at)
    elif samples.suffix == ".npz" and grammar.TOKENIZER.name in golden.layers[0][0]:
        yield _contradiction(
            golden.place(grammar.TOKENIZER),
            f"{samples.name} holds no texts; expected a tokenizer only beside a .jsonl file",
        )


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


def _variant(id_: str, variant: Values) -> Iterator[Fault]:
    try:
        dtype = dtype_of(id_, variant)
    except Fault as fault:
        yield fault
        return
    if dtype == "fp16" and device_of(dtype, variant) == "wasm":
        yield _contradiction(
            variant.place(grammar.DEVICE),
            "fp16 does not run on wasm, which has no kernels for half precision",
            remedy='use device = "webgpu", or dtype = "q8"',
        )
    if dtype == "fp32" and variant.value(grammar.NODES_TO_EXCLUDE):
        yield _contradiction(
            variant.place(grammar.NODES_TO_EXCLUDE),
            "fp32 keeps the precision of every node; expected nodes_to_exclude only for other dtypes",
        )
    sizes = [
        key for key in (grammar.BLOCK_SIZE, grammar.GROUP_SIZE) if variant.get(key) is not None
    ]
    if sizes and dtype != "q4":
        yield _contradiction(
            variant.place(sizes[0]), f"{dtype} has no blocks; expected {sizes[0].name} only for q4"
        )
    elif len(sizes) == 2:
        yield _contradiction(
            variant.place(sizes[1]), "block_size and group_size are the same; expected one of them"
        )


def _holds(folder: Path, inner: Path) -> bool:
    real, real_inner = folder.resolve(), inner.resolve()  # a link may lead to the project itself
    return real == real_inner or real in real_inner.parents


def _contradiction(at: Place, message: str, *, remedy: str = "") -> Fault:
    return Fault("MP-E113", at.keys, message, remedy=remedy)
