"""The keys of [models.*.variants.*]: the recipe of a variant, its device and its limits, and how they become settings."""

from __future__ import annotations

from typing import Literal, get_args

from modelpack.config.budget_keys import BUDGET
from modelpack.config.containers import Key, ListOf, MapOf, Table, Values, missing
from modelpack.config.fields import Choice, Text
from modelpack.config.flag_field import Flag
from modelpack.config.override_field import OVERRIDE, WEIGHT_DTYPE, read_overrides
from modelpack.spec.variants import (
    HALVES,
    Activations,
    ActivationType,
    CalibrateMethod,
    Device,
    Dtype,
    Objective,
    RecipeSettings,
    Shape,
)

WrittenDtype = Dtype | Literal["auto"]
DTYPES: tuple[WrittenDtype, ...] = (*get_args(Dtype), "auto")
_WHOLE_BITS = (
    'use q4, or shape = "entropy", which stores 2 to 3 bits a weight where the limits allow it'
)
# benchmarks/bench_low_bits.py, November 2026; docs/figures-variants.md has the table.
DTYPES_REFUSED = (
    (
        "q1",
        f"one bit a weight left MiniLM a mean cosine of 0.14, and magika 0.45 of its labels; {_WHOLE_BITS}",
    ),
    (
        "q2",
        f"two bits in blocks of 32 left MiniLM a mean cosine of 0.22, and magika 0.82 of its labels; {_WHOLE_BITS}",
    ),
)
DTYPES_KNOWN = (*DTYPES, *(name for name, _ in DTYPES_REFUSED))

_BLOCK_SIZES = Choice((16, 32, 64, 128))
_PATTERN = Text('a pattern of names such as "/pooler/*"')

DTYPE = Key(
    "dtype",
    Choice(DTYPES, (), DTYPES_REFUSED),
    "Number format of the weights: fp32, fp16, q8 (also called int8), uint8, q4, q4f16 (q4 computed in half precision) or bnb4 (4-bit floats); auto: the smallest download that keeps the golden set's metrics. Not needed where it is the variant's name.",
)
SHAPE = Key(
    "shape",
    Choice[Shape](("plain", "entropy")),
    "plain: weights as exact as 8 bits hold them; entropy: only as exact as the golden set's metrics ask, which compresses far better. Only for q8.",
    default="plain",
)
OBJECTIVE = Key(
    "objective",
    Choice[Objective](get_args(Objective)),
    "What auto makes small: download: the bytes; latency: on wasm integers are multiplied, twice as fast, if the golden set's metrics hold then. Only for auto.",
    default="download",
)
DEVICE = Key(
    "device",
    Choice[Device](get_args(Device)),
    "What runs the variant; without it, webgpu for fp16 and q4f16, and wasm for all others. webnn wants a fixed size of every input (free_dimensions).",
)
NODES_TO_EXCLUDE = Key(
    "nodes_to_exclude",
    ListOf(Text('a pattern of node names such as "/pooler/*"'), may_be_empty=True),
    "Patterns of node names that keep their precision.",
    default=[],
)
ACCEPT_FALLBACK = Key(
    "accept_fallback",
    MapOf(
        Text('an operator such as "NonMaxSuppression", or a pattern of node names'),
        Text("why that is good enough"),
    ),
    "Operators, or patterns of node names, that may fall back from webgpu to wasm, each with the reason. What falls back otherwise fails the build.",
)
BLOCK_SIZE = Key(
    "block_size",
    _BLOCK_SIZES,
    "Weights that share a scale; only for q4, q4f16 and bnb4.",
    default=32,
)
GROUP_SIZE = Key("group_size", _BLOCK_SIZES, "Another name for block_size.")
SYMMETRIC = Key(
    "symmetric",
    Flag(),
    "Whether blocks lie evenly around zero; false stores a zero point for each. Only for q4 and q4f16.",
    default=True,
)
PER_CHANNEL = Key(
    "per_channel",
    Flag(),
    "Whether each channel has a scale of its own; false gives a weight one, which compresses better and costs accuracy. Only for q8, int8 and uint8.",
    default=True,
)
ACTIVATIONS = Key(
    "activations",
    Choice[Activations](get_args(Activations)),
    "What products multiply: dynamic: integers, rounded as they come; static: integers, filters' too, rounded by ranges that the golden set's samples have; float: only weights are stored as integers. Without it, dynamic on wasm and float elsewhere. Only for q8, int8 and uint8.",
)
ACTIVATION_TYPE = Key(
    "activation_type",
    Choice[ActivationType](get_args(ActivationType)),
    "Number format of static activations: 16 bits are far more exact, and as slow as floats.",
    default="uint8",
)
CALIBRATE_METHOD = Key(
    "calibrate_method",
    Choice[CalibrateMethod](get_args(CalibrateMethod)),
    "How static ranges follow from samples: minmax keeps every value, entropy and percentile cut off rare ones.",
    default="minmax",
)
EMBEDDING_DTYPE = Key(
    "embedding_dtype",
    WEIGHT_DTYPE,
    "Number format of tables whose rows are looked up, in place of what dtype says.",
)
OUTPUT_DTYPE = Key(
    "output_dtype",
    WEIGHT_DTYPE,
    "Number format of the weights nearest to the outputs, in place of what dtype says.",
)
OVERRIDES = Key(
    "overrides",
    MapOf(_PATTERN, OVERRIDE),
    'Number formats of single weights, by patterns of their names or of the nodes that read them, such as { "*/ffn/*" = "q4", "/head/*" = "fp32" }; a table gives a block size too. The last pattern that matches counts.',
)
VARIANT_BUDGET = Key("budget", BUDGET.field, "Limits of this variant, in place of the model's.")
VARIANT = Table(
    "variant",
    (
        DTYPE,
        SHAPE,
        OBJECTIVE,
        DEVICE,
        NODES_TO_EXCLUDE,
        ACCEPT_FALLBACK,
        BLOCK_SIZE,
        GROUP_SIZE,
        SYMMETRIC,
        PER_CHANNEL,
        ACTIVATIONS,
        ACTIVATION_TYPE,
        CALIBRATE_METHOD,
        EMBEDDING_DTYPE,
        OUTPUT_DTYPE,
        OVERRIDES,
        VARIANT_BUDGET,
    ),
)


def dtype_of(id_: str, variant: Values) -> Dtype:
    """The dtype that is stored: `auto` stores 8 bits. Raises: Fault as `written_dtype` does."""
    written = written_dtype(id_, variant)
    return "q8" if written == "auto" else written


def shape_of(id_: str, variant: Values) -> Shape:
    """How the weights are shaped. Raises: Fault as `written_dtype` does."""
    return "auto" if written_dtype(id_, variant) == "auto" else variant.value(SHAPE)


def written_dtype(id_: str, variant: Values) -> WrittenDtype:
    """The dtype written, else the one that the variant's id names. Raises: Fault if it names none."""
    dtype = variant.get(DTYPE)
    if dtype is not None:
        return dtype
    if id_ not in DTYPES_KNOWN:
        raise missing(DTYPE, variant.at)
    return DTYPE.field.read(id_, variant.at)


def device_of(dtype: Dtype, variant: Values) -> Device:
    """The device written, else the one that suits the dtype: half precision has no kernels in wasm."""
    return variant.get(DEVICE) or ("webgpu" if dtype in HALVES else "wasm")


def block_size_of(variant: Values) -> int:
    """The block size, under either name."""
    return variant.get(GROUP_SIZE) or variant.value(BLOCK_SIZE)


def settings_of(variant: Values) -> RecipeSettings:
    """What the recipe is told beyond its dtype."""
    return RecipeSettings(
        activations=variant.get(ACTIVATIONS),
        activation_type=variant.value(ACTIVATION_TYPE),
        calibrate_method=variant.value(CALIBRATE_METHOD),
        per_channel=variant.value(PER_CHANNEL),
        symmetric=variant.value(SYMMETRIC),
        embedding_dtype=variant.get(EMBEDDING_DTYPE),
        output_dtype=variant.get(OUTPUT_DTYPE),
        overrides=read_overrides(variant.get(OVERRIDES) or {}, block_size_of(variant)),
    )
