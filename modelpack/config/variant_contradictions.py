"""What of a variant contradicts itself, its device, or its model's golden set.

1. It has no dtype, or one that its device does not run.
2. A setting has no use for its dtype, or a table without activations to round.
3. It has a search to make and nothing that says how far it may go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from modelpack.config import variant_keys as keys
from modelpack.config.containers import Key, Values
from modelpack.config.metric_keys import METRIC_KEYS, METRICS
from modelpack.config.place import Fault, Place
from modelpack.spec.variants import Device, Dtype

_FOURS: tuple[Dtype, ...] = ("q4", "q4f16", "bnb4")
_EIGHTS: tuple[Dtype, ...] = ("q8", "int8", "uint8")
_NARROW: tuple[Dtype, ...] = ("fp16", *_EIGHTS, *_FOURS)

# Which dtypes a setting is for.
_USED_BY: tuple[tuple[Key[object], tuple[Dtype, ...]], ...] = (
    (keys.NODES_TO_EXCLUDE, _NARROW),
    (keys.BLOCK_SIZE, _FOURS),
    (keys.GROUP_SIZE, _FOURS),
    (keys.SYMMETRIC, ("q4", "q4f16")),
    (keys.PER_CHANNEL, _EIGHTS),
    (keys.ACTIVATIONS, _EIGHTS),
    (keys.EMBEDDING_DTYPE, _NARROW),
    (keys.OUTPUT_DTYPE, _NARROW),
    (keys.OVERRIDES, _NARROW),
)
# What a search decides by itself.
_CHOSEN: tuple[Key[object], ...] = (
    keys.PER_CHANNEL,
    keys.ACTIVATIONS,
    keys.EMBEDDING_DTYPE,
    keys.OUTPUT_DTYPE,
    keys.OVERRIDES,
)
# Activations that a device does not multiply as integers: why, and what to use in their place.
_INTEGERS: Mapping[tuple[str | None, Device], tuple[str, str]] = MappingProxyType(
    {
        ("dynamic", "webgpu"): (
            "which has no kernel for MatMulInteger",
            'use activations = "float", or device = "wasm"',
        ),
        # Measured: a static MiniLM had a cosine of 0.62 there with onnxruntime-web 1.30.
        ("static", "webgpu"): (
            "which gives wrong results for quantised activations",
            'use activations = "float", or device = "wasm"',
        ),
        # docs/webnn-operators.md of onnxruntime-web 1.30: cast, dequantizeLinear, matmul.
        ("dynamic", "webnn"): (
            "for which onnxruntime-web makes floats of them",
            'use activations = "static" or "float"',
        ),
    }
)
# Dtypes that a device does not run: why, and what to use in their place.
_IMPOSSIBLE: Mapping[tuple[Dtype, Device], tuple[str, str]] = MappingProxyType(
    {
        ("fp16", "wasm"): (
            "which has no kernels for half precision",
            'use device = "webgpu", or dtype = "q8"',
        ),
        ("q4f16", "wasm"): (
            "which has no kernels for half precision",
            'use device = "webgpu", or dtype = "q4"',
        ),
        # On webgpu the release decides, which has one since 1.29: the step `compatibility` looks it up.
        ("bnb4", "webnn"): (
            "which has no kernel for MatMulBnb4",
            'use device = "wasm", or dtype = "q4"',
        ),
    }
)


def variant_contradictions(id_: str, variant: Values, golden: Values) -> Iterator[Fault]:
    """Every contradiction in the variant."""
    try:
        dtype = keys.dtype_of(id_, variant)
    except Fault as fault:
        yield fault
        return
    device = keys.device_of(dtype, variant)
    yield from _device(dtype, device, variant)
    yield from _used(dtype, variant)
    yield from _activations(device, variant, golden)
    yield from _shape(id_, variant, golden)


def _device(dtype: Dtype, device: Device, variant: Values) -> Iterator[Fault]:
    if variant.get(keys.ACCEPT_FALLBACK) and device == "wasm":
        yield _contradiction(
            variant.place(keys.ACCEPT_FALLBACK),
            "wasm has nothing to fall back to; expected accept_fallback only for webgpu",
        )
    if (dtype, device) in _IMPOSSIBLE:
        reason, remedy = _IMPOSSIBLE[dtype, device]
        message = f"{dtype} does not run on {device}, {reason}"
        yield _contradiction(variant.place(keys.DEVICE), message, remedy=remedy)
    for key in (keys.EMBEDDING_DTYPE, keys.OUTPUT_DTYPE):
        part = variant.get(key)
        if part == "bnb4" and device == "webnn":
            yield _without_bnb4(variant.place(key), device)
    for pattern, override in (variant.get(keys.OVERRIDES) or {}).items():
        if override.dtype == "bnb4" and device == "webnn":
            yield _without_bnb4(variant.place(keys.OVERRIDES).child(pattern), device)


def _without_bnb4(at: Place, device: Device) -> Fault:
    message = f"bnb4 does not run on {device}, which has no kernel for MatMulBnb4"
    return _contradiction(at, message, remedy="use q4")


def _used(dtype: Dtype, variant: Values) -> Iterator[Fault]:
    if dtype == "fp32" and variant.value(keys.NODES_TO_EXCLUDE):
        yield _contradiction(
            variant.place(keys.NODES_TO_EXCLUDE),
            "fp32 keeps the precision of every node; expected nodes_to_exclude only for other dtypes",
        )
    for key, dtypes in _USED_BY:
        if key is keys.NODES_TO_EXCLUDE or variant.get(key) is None or dtype in dtypes:
            continue
        message = f"{dtype} has no use for it; expected {key.name} only for {_listed(dtypes)}"
        yield _contradiction(variant.place(key), message)
    if variant.get(keys.BLOCK_SIZE) is not None and variant.get(keys.GROUP_SIZE) is not None:
        yield _contradiction(
            variant.place(keys.GROUP_SIZE),
            "block_size and group_size are the same; expected one of them",
        )


def _activations(device: Device, variant: Values, golden: Values) -> Iterator[Fault]:
    written = variant.get(keys.ACTIVATIONS)
    at = variant.place(keys.ACTIVATIONS)
    if (written, device) in _INTEGERS:
        reason, remedy = _INTEGERS[written, device]
        message = f"products of integers do not run on {device}, {reason}"
        yield _contradiction(at, message, remedy=remedy)
    if variant.get(keys.ACTIVATION_TYPE) in {"uint16", "int16"} and device == "webnn":
        yield _contradiction(
            variant.place(keys.ACTIVATION_TYPE),
            "activations of 16 bits do not run on webnn, which quantises to 8 bits only",
            remedy='use activation_type = "uint8", or device = "wasm"',
        )
    if written == "static":
        if not golden.layers:
            yield _contradiction(
                at,
                "static activations are rounded by ranges that samples have, and there are none",
                remedy="give the model a golden set, or use dynamic",
            )
        return
    for key in (keys.ACTIVATION_TYPE, keys.CALIBRATE_METHOD):
        if variant.get(key) is not None:
            message = f'expected {key.name} only beside activations = "static"'
            yield _contradiction(variant.place(key), message)


def _shape(id_: str, variant: Values, golden: Values) -> Iterator[Fault]:
    dtype, shape = keys.written_dtype(id_, variant), keys.shape_of(id_, variant)
    if dtype != "auto" and variant.get(keys.OBJECTIVE) is not None:
        message = 'only a search has an objective; expected one only beside dtype = "auto"'
        yield _contradiction(variant.place(keys.OBJECTIVE), message)
    if shape == "plain":
        return
    key: Key[object] = keys.DTYPE if dtype == "auto" else keys.SHAPE
    named = 'dtype = "auto"' if dtype == "auto" else 'shape = "entropy"'
    if dtype not in {"q8", "int8", "auto"}:
        yield _contradiction(
            variant.place(key), f"{dtype} has no grids to choose; expected shape only for q8"
        )
    elif not golden.layers or not _has_metrics(golden):
        yield _contradiction(
            variant.place(key),
            f"{named} goes as far as accuracy limits allow, and there are none",
            remedy="give the model a golden set with metrics, such as golden.metrics.cosine",
        )
    for chosen in _CHOSEN:
        if variant.get(chosen) is not None:
            message = f"{named} chooses this itself; expected {chosen.name} only for plain weights"
            yield _contradiction(variant.place(chosen), message)


def _has_metrics(golden: Values) -> bool:
    found = (golden.table(METRICS).get(key) for _, key in METRIC_KEYS)
    return any(threshold is not None and not threshold.is_relative for threshold in found)


def _listed(dtypes: tuple[Dtype, ...]) -> str:
    return f"{', '.join(dtypes[:-1])} and {dtypes[-1]}"


def _contradiction(at: Place, message: str, *, remedy: str = "") -> Fault:
    return Fault("MP-E113", at.keys, message, remedy=remedy)
