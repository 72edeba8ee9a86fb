"""What a checkpoint leaves unsaid: the task it is exported for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import transformers
from optimum.exporters.tasks import TasksManager
from transformers import AutoConfig, PretrainedConfig

from modelpack.errors import StepError

_PAST = "-with-past"
_SHOWN_TASKS = 8


def read_config(folder: Path, *, trusts_code: bool) -> PretrainedConfig:
    """The checkpoint's configuration. Raises: StepError MP-E460 if transformers does not know its model."""
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=trusts_code
        )
    except (ValueError, KeyError, OSError) as err:
        first = (str(err).strip().splitlines() or [type(err).__name__])[0]
        raise StepError(
            "MP-E460",
            f"transformers {transformers.__version__} cannot read config.json: {first[:200]}",
            remedy="a model that brings its own code needs trust_remote_code = true, and a commit of the hub",
        ) from err
    return config


def task_of(config: PretrainedConfig, wanted: str | None) -> str:
    """The task in optimum's words; with past keys and values unless another was wanted.

    Raises: StepError MP-E460 if nothing tells, or if optimum does not export this model for it.
    """
    known = _tasks_for(config)
    if wanted is not None:
        task: str = TasksManager.map_from_synonym(wanted)
    else:
        task = _inferred(config, known)
        if f"{task}{_PAST}" in known:
            task = f"{task}{_PAST}"
    if task not in known:
        raise StepError(
            "MP-E460",
            f'optimum does not export {config.model_type} models for "{task}"',
            remedy=f"set task to one of {_listed(known)}",
        )
    return task


def _tasks_for(config: PretrainedConfig) -> tuple[str, ...]:
    try:
        return tuple(
            TasksManager.get_supported_tasks_for_model_type(
                config.model_type, "onnx", library_name="transformers"
            )
        )
    except KeyError as err:
        raise StepError(
            "MP-E460",
            f'optimum has no exporter for the model type "{config.model_type}"',
            remedy="export it with torch.onnx and name the ONNX file",
        ) from err


def _inferred(config: PretrainedConfig, known: Iterable[str]) -> str:
    name = next(iter(config.architectures or ()), "")
    try:
        architecture = getattr(transformers, name)
        task: str = TasksManager.infer_task_from_model(architecture)
    except (AttributeError, ValueError, KeyError) as err:
        raise StepError(
            "MP-E460",
            f'config.json names the architecture "{name}", which does not tell its task',
            remedy=f"set task to one of {_listed(known)}",
        ) from err
    return task


def _listed(tasks: Iterable[str]) -> str:
    names = sorted(tasks)
    more = f" and {len(names) - _SHOWN_TASKS} more" if len(names) > _SHOWN_TASKS else ""
    return ", ".join(names[:_SHOWN_TASKS]) + more
