"""What is made of a model for a device."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from modelpack.spec.limits import Limit

Dtype = Literal["fp32", "fp16", "q8", "int8", "uint8", "q4", "q4f16", "bnb4"]


# What a single weight can be stored as, whatever the others are.
WeightDtype = Literal["fp32", "fp16", "q8", "int8", "uint8", "q4", "bnb4"]


# Those that compute in half precision, for which WebAssembly has no kernels.
HALVES: frozenset[Dtype] = frozenset({"fp16", "q4f16"})


Device = Literal["wasm", "webgpu", "webnn"]


# `entropy`: on grids chosen for how small they compress. `auto`: so, and in whichever form of the device is smallest.
Shape = Literal["plain", "entropy", "auto"]


Objective = Literal["download", "latency"]  # what a search makes small


# `dynamic`: products of integers, activations rounded as they come. `static`: by ranges that samples were seen to have.
# `float`: only weights are integers.
Activations = Literal["dynamic", "static", "float"]


ActivationType = Literal["uint8", "int8", "uint16", "int16"]


CalibrateMethod = Literal["minmax", "entropy", "percentile"]


class Override(Struct, frozen=True):
    """How weights are stored whose own name, or whose reader's, `pattern` matches: not as the variant's dtype says."""

    pattern: str
    dtype: WeightDtype
    block_size: int


class RecipeSettings(Struct, frozen=True):
    """What a recipe may be told beyond its dtype. `activations` None: what the device runs best.

    `embedding_dtype` is for tables whose rows are looked up, `output_dtype` for the weights nearest to the outputs;
    None leaves them to the dtype. Overrides go before both, the last one that matches before the others.
    """

    activations: Activations | None = None
    activation_type: ActivationType = "uint8"
    calibrate_method: CalibrateMethod = "minmax"
    per_channel: bool = True
    symmetric: bool = True
    embedding_dtype: WeightDtype | None = None
    output_dtype: WeightDtype | None = None
    overrides: tuple[Override, ...] = ()

    @property
    def is_static(self) -> bool:
        """Whether activations are rounded by ranges that calibration finds."""
        return self.activations == "static"


class Variant(Struct, frozen=True):
    """One graph for one device. `accepted_fallbacks` are (pattern of nodes or operator, reason)."""

    id: str
    dtype: Dtype
    device: Device
    nodes_to_exclude: tuple[str, ...]
    block_size: int
    budget: tuple[Limit, ...]
    shape: Shape = "plain"
    objective: Objective = "download"
    settings: RecipeSettings = RecipeSettings()
    accepted_fallbacks: tuple[tuple[str, str], ...] = ()
