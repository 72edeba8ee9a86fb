"""A checkpoint through optimum's exporter: ONNX files that agree with the model they were made from.

Not optimum's `main_export`: it asks the hub about local folders, and where the result differs from the checkpoint it
only warns. Not its own choice of library either: sentence-transformers would be another dependency for five nodes.
"""

from __future__ import annotations

import gc
from pathlib import Path

import torch
from msgspec import Struct
from optimum.exporters.error_utils import AtolError, OutputMatchError, ShapeError
from optimum.exporters.onnx import OnnxConfig, export_models, validate_models_outputs
from optimum.exporters.tasks import TasksManager
from optimum.exporters.utils import (
    get_decoder_models_for_export,
    get_encoder_decoder_models_for_export,
)
from optimum.utils.save_utils import maybe_load_preprocessors
from transformers import PreTrainedModel

from modelpack.errors import StepError
from modelpack.export.settings import read_config, task_of
from modelpack.export.sizes import fixed_sizes
from modelpack.spec.sources import Export

_PAST = "-with-past"
_WITH_MERGED_DECODER = "decoder_model_merged.onnx"
_WITHOUT_MERGED_DECODER = "decoder_model.onnx"

Models = dict[str, tuple[PreTrainedModel, OnnxConfig]]


class Graph(Struct, frozen=True):
    """An exported graph: the part it is of the checkpoint (empty: all of it), and its file."""

    part: str
    path: Path


class Exported(Struct, frozen=True):
    """What an export gave, with which settings. `sizes` are those of images, by the names of their dimensions."""

    graphs: tuple[Graph, ...]
    task: str
    opset: int
    sizes: dict[str, int]


def export_graphs(checkpoint: Path, wanted: Export, folder: Path) -> Exported:
    """The checkpoint's graphs in fp32, written into `folder` and compared with the checkpoint itself.

    Raises: StepError MP-E460 if it cannot be exported, MP-E461 if the graphs do not agree with it.
    """
    trusts_code = bool(wanted.trust_remote_code)
    config = read_config(checkpoint, trusts_code=trusts_code)
    task = task_of(config, wanted.task)
    model = _load(checkpoint, task, wanted)
    constructor = TasksManager.get_exporter_config_constructor(
        model=model, exporter="onnx", task=task, library_name="transformers"
    )
    onnx_config = constructor(
        model.config,
        int_dtype="int64",
        float_dtype="fp32",
        preprocessors=_preprocessors(checkpoint, trusts_code=trusts_code),
    )
    models = _models(model, onnx_config, task)
    opset = wanted.opset or onnx_config.DEFAULT_ONNX_OPSET
    names = [f"{name}.onnx" for name in models]
    _, outputs = export_models(
        models_and_onnx_configs=models,
        opset=opset,
        output_dir=folder,
        output_names=names,
        device="cpu",
        dtype="fp32",
    )
    models, names = onnx_config.post_process_exported_models(folder, models, names)
    _validate(models, outputs, names, (folder, wanted.atol or _default_atol(onnx_config, task)))
    graphs = _graphs(folder, tuple(models))
    del model, models
    gc.collect()  # torch's cycles hold the weights until then
    return Exported(graphs, task, opset, fixed_sizes(config))


def _load(checkpoint: Path, task: str, wanted: Export) -> PreTrainedModel:
    """The model in fp32 and evaluation mode: a half-precision checkpoint is exported at full precision too."""
    loaded = TasksManager.get_model_from_task(
        task,
        checkpoint,
        framework="pt",
        library_name="transformers",
        torch_dtype=torch.float32,
        device="cpu",
        local_files_only=True,
        trust_remote_code=bool(wanted.trust_remote_code),
        use_safetensors=not (wanted.allow_pickle and any(checkpoint.glob("pytorch_model*.bin"))),
    )
    TasksManager.standardize_model_attributes(loaded)
    loaded.config.use_cache = task.endswith(_PAST)
    loaded.eval()  # an exporter may leave a model in training mode, and then dropout is part of the graph
    model: PreTrainedModel = loaded
    return model


def _preprocessors(checkpoint: Path, *, trusts_code: bool) -> list[object]:
    """Tokenizers and processors: some say how large the inputs are."""
    return list(maybe_load_preprocessors(checkpoint, trust_remote_code=trusts_code))


def _models(model: PreTrainedModel, config: OnnxConfig, task: str) -> Models:
    models: Models = {"model": (model, config)}
    if model.config.is_encoder_decoder and task.startswith(TasksManager._ENCODER_DECODER_TASKS):  # noqa: SLF001
        models = get_encoder_decoder_models_for_export(model, config)
    elif task.startswith("text-generation"):
        models = get_decoder_models_for_export(model, config)
    return models


def _default_atol(config: OnnxConfig, task: str) -> float:
    atol = config.ATOL_FOR_VALIDATION
    return float(atol[task.removesuffix(_PAST)] if isinstance(atol, dict) else atol)


def _validate(
    models: Models, outputs: list[list[str]], names: list[str], where: tuple[Path, float]
) -> None:
    folder, atol = where
    try:
        validate_models_outputs(
            models_and_onnx_configs=models,
            onnx_named_outputs=outputs,
            output_dir=folder,
            atol=atol,
            onnx_files_subpaths=names,
            device="cpu",
            use_subprocess=False,
        )
    except (AtolError, ShapeError, OutputMatchError) as err:
        lines = [line.strip(" -") for line in str(err).splitlines() if line.strip()]
        raise StepError(
            "MP-E461",
            f"the exported model does not agree with the checkpoint within atol = {atol:g}: {lines[-1]}",
            remedy="set atol if that is small enough for you; golden metrics compare with the exported model",
        ) from err


def _graphs(folder: Path, names: tuple[str, ...]) -> tuple[Graph, ...]:
    if names == ("model",):
        return (Graph("", folder / "model.onnx"),)
    merged = folder / _WITH_MERGED_DECODER
    decoder = merged if merged.is_file() else folder / _WITHOUT_MERGED_DECODER
    encoder = folder / "encoder_model.onnx"
    if not (encoder.is_file() and decoder.is_file()):
        raise StepError(
            "MP-E460",
            f"the checkpoint gives the graphs {', '.join(names)}; expected one, or an encoder and a decoder",
            remedy="export it with optimum-cli and name the ONNX files",
        )
    return (Graph("encoder", encoder), Graph("decoder", decoder))
