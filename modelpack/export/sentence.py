"""The stages of a sentence-transformers model behind its transformer: pooling, dense layers, normalisation."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from modelpack.errors import StepError
from modelpack.graph.sessions import Array

_POOLINGS = (  # in the order in which sentence-transformers joins them
    ("pooling_mode_cls_token", "cls"),
    ("pooling_mode_max_tokens", "max"),
    ("pooling_mode_mean_tokens", "mean"),
    ("pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len"),
    ("pooling_mode_weightedmean_tokens", "weightedmean"),
    ("pooling_mode_lasttoken", "lasttoken"),
)
_ACTIVATIONS = {"Identity": "", "Tanh": "Tanh", "ReLU": "Relu", "Sigmoid": "Sigmoid"}


class Pooling(Struct, frozen=True):
    """Token vectors become one: by each of these ways, joined."""

    ways: tuple[str, ...]


class Dense(Struct, frozen=True):
    """A linear layer: weight float32 [out, in], bias float32 [out] or none, and the operator of its activation."""

    weight: Array
    bias: Array | None
    activation: str


class Normalize(Struct, frozen=True):
    """The vector gets length 1."""


Stage = Pooling | Dense | Normalize


class _Module(Struct, frozen=True):
    type: str
    path: str = ""


def read_stages(checkpoint: Path) -> tuple[Stage, ...]:
    """The stages behind the transformer; none where the checkpoint is not of sentence-transformers.

    Raises: StepError MP-E460 if one is of a kind that is not known here.
    """
    path = checkpoint / "modules.json"
    if not path.is_file():
        return ()
    modules = msgspec.json.decode(path.read_bytes(), type=tuple[_Module, ...])
    return tuple(
        _read_stage(module, checkpoint)
        for module in modules
        if not module.type.endswith(".Transformer")
    )


def transformer_folder(checkpoint: Path) -> Path:
    """Where the transformer itself lies: old checkpoints have it in a folder."""
    path = checkpoint / "modules.json"
    modules = (
        msgspec.json.decode(path.read_bytes(), type=tuple[_Module, ...]) if path.is_file() else ()
    )
    inside = (module.path for module in modules if module.type.endswith(".Transformer"))
    return checkpoint / next(inside, "")


def _read_stage(module: _Module, checkpoint: Path) -> Stage:
    kind = module.type.rpartition(".")[2]
    folder = checkpoint / module.path
    match kind:
        case "Pooling":
            return _pooling(folder)
        case "Dense":
            return _dense(folder)
        case "Normalize":
            return Normalize()
        case _:
            raise StepError(
                "MP-E460",
                f'a sentence-transformers model with the stage "{module.type}"; expected Pooling, Dense or Normalize',
                remedy='set library = "transformers" to export the transformer alone',
            )


def _pooling(folder: Path) -> Pooling:
    config = _config(folder)
    named = config.get("pooling_mode")
    ways = (
        tuple(str(way) for way in named)
        if isinstance(named, list)
        else tuple(way for key, way in _POOLINGS if config.get(key) or named == way)
    )
    known = {way for _, way in _POOLINGS}
    if not ways or not known.issuperset(ways):
        raise StepError(
            "MP-E460", f"{folder.name}/config.json names no way of pooling that is known here"
        )
    return Pooling(ways)


def _dense(folder: Path) -> Dense:
    name = str(_config(folder).get("activation_function", "Identity")).rpartition(".")[2]
    if name not in _ACTIVATIONS:
        raise StepError(
            "MP-E460",
            f'a dense layer with the activation "{name}"; expected {", ".join(_ACTIVATIONS)}',
        )
    from safetensors.numpy import load_file  # noqa: PLC0415 (few models have dense layers)

    tensors = load_file(folder / "model.safetensors")
    weight = np.asarray(tensors["linear.weight"], np.float32)
    bias = tensors.get("linear.bias")
    return Dense(weight, None if bias is None else np.asarray(bias, np.float32), _ACTIVATIONS[name])


def _config(folder: Path) -> dict[str, object]:
    return msgspec.json.decode((folder / "config.json").read_bytes(), type=dict[str, object])
