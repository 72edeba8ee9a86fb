"""Olive's and NNCF's CPU recipes, for `bench_variants`, where they are installed.

    pip install olive-ai nncf      (into an environment of their own: both have long lists of requirements)

Neither is a dependency of modelpack; what is not installed gives no rows.
"""

# ruff: noqa: PLC0415  optional: neither tool is a dependency
from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import onnx

from modelpack.graph.golden.samples import Sample

Made = tuple[str, Callable[[], tuple[Path, ...]]]
_DATASET = "modelpack_samples"


def other_peers(ready: Path, samples: Sequence[Sample], folder: Path) -> Iterator[Made]:
    """The recipes of those tools that are there, each as a function that makes its file from `ready`."""
    if importlib.util.find_spec("nncf"):
        yield "nncf.quantize", lambda: _nncf(ready, samples, folder, None)
        yield "nncf.quantize, mixed preset", lambda: _nncf(ready, samples, folder, "mixed")
        yield "nncf.compress_weights", lambda: _nncf_weights(ready, folder)
    if importlib.util.find_spec("olive"):
        yield "Olive OnnxDynamicQuantization, dynamic", lambda: _olive_dynamic(ready, folder)
        yield "Olive OnnxStaticQuantization, static", lambda: _olive_static(ready, samples, folder)


def _nncf(
    ready: Path, samples: Sequence[Sample], folder: Path, preset: str | None
) -> tuple[Path, ...]:
    import nncf

    given = {} if preset is None else {"preset": nncf.QuantizationPreset(preset)}
    dataset = nncf.Dataset(list(samples), lambda sample: dict(sample.feeds))
    made = nncf.quantize(onnx.load(ready), dataset, subset_size=len(samples), **given)
    return _saved(made, folder / f"nncf-{preset}.onnx")


def _nncf_weights(ready: Path, folder: Path) -> tuple[Path, ...]:
    import nncf

    mode = nncf.CompressWeightsMode.INT8_ASYM
    return _saved(nncf.compress_weights(onnx.load(ready), mode=mode), folder / "nncf-w.onnx")


def _saved(model: onnx.ModelProto, path: Path) -> tuple[Path, ...]:
    onnx.save(model, path)
    return (path,)


def _olive_dynamic(ready: Path, folder: Path) -> tuple[Path, ...]:
    from olive.passes.onnx.quantization import OnnxDynamicQuantization

    return _olive(OnnxDynamicQuantization, {"per_channel": True}, ready, folder / "olive-dynamic")


def _olive_static(ready: Path, samples: Sequence[Sample], folder: Path) -> tuple[Path, ...]:
    from olive.data.config import DataComponentConfig, DataConfig
    from olive.data.registry import Registry
    from olive.passes.onnx.quantization import OnnxStaticQuantization

    rows = [(dict(sample.feeds), 0) for sample in samples]
    Registry.register_dataset(_DATASET)(lambda **_: rows)  # replaces that of the model before
    data = DataConfig(
        name=_DATASET,
        type="DataContainer",
        load_dataset_config=DataComponentConfig(type=_DATASET),
        pre_process_data_config=DataComponentConfig(type="skip_pre_process"),
        post_process_data_config=DataComponentConfig(type="skip_post_process"),
        dataloader_config=DataComponentConfig(type="no_auto_batch_dataloader"),
    )
    config = {"per_channel": True, "data_config": data, "quant_format": "QDQ"}
    return _olive(OnnxStaticQuantization, config, ready, folder / "olive-static")


def _olive(kind: Any, config: dict[str, Any], ready: Path, folder: Path) -> tuple[Path, ...]:
    from olive.model import ONNXModelHandler
    from olive.passes.olive_pass import create_pass_from_dict

    made = create_pass_from_dict(kind, config, disable_search=True)
    return (Path(made.run(ONNXModelHandler(str(ready)), str(folder)).model_path),)
