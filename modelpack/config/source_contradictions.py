"""Keys that do not belong to the source that they stand beside."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelpack.config import source_keys as keys
from modelpack.config.containers import Key, Values
from modelpack.config.place import Fault
from modelpack.spec.sources import FunctionSource, HubSource, Source, UrlSource

_COMMIT = re.compile(r"[0-9a-f]{40}")
_FOR_THE_WEB: tuple[Key[object], ...] = (keys.SHA256, keys.MIRRORS)
_FOR_FUNCTIONS: tuple[Key[object], ...] = (keys.DYNAMIC_DIMENSIONS, keys.FILES)
_FOR_CHECKPOINTS: tuple[Key[object], ...] = (
    keys.TASK,
    keys.LIBRARY,
    keys.ALLOW_PICKLE,
    keys.TRUST_REMOTE_CODE,
)


def source_contradictions(model: Values) -> Iterator[Fault]:
    """A fault for each key that means nothing for the model's source."""
    source = model.get(keys.SOURCE)
    yield from _may_run_code(model, source)
    is_pinned_pickle = model.get(keys.ALLOW_PICKLE) and not model.get(keys.MIRRORS)
    if not isinstance(source, UrlSource) and not is_pinned_pickle:
        yield from _written(model, _FOR_THE_WEB, "files from the web; this source is none")
    if isinstance(source, FunctionSource):
        yield from _function(model, source)
        return
    yield from _written(model, _FOR_FUNCTIONS, "functions of the project; this source is none")


def _may_run_code(model: Values, source: Source | None) -> Iterator[Fault]:
    """What can run code needs to be one thing and no other."""
    if model.get(keys.TRUST_REMOTE_CODE) and not (
        isinstance(source, HubSource) and _COMMIT.fullmatch(source.revision)
    ):
        yield Fault(
            "MP-E113",
            model.place(keys.TRUST_REMOTE_CODE).keys,
            "trust_remote_code needs a source on the hub at a commit of 40 characters",
            remedy='write the commit that you read: "hf:org/repo@0123…"; modelpack.lock has it after `modelpack lock`',
        )
    if (
        model.get(keys.ALLOW_PICKLE)
        and not isinstance(source, HubSource)
        and model.get(keys.SHA256) is None
    ):
        yield Fault(
            "MP-E113",
            model.place(keys.ALLOW_PICKLE).keys,
            "allow_pickle needs the sha256 of the pickle",
            remedy="run `sha256sum pytorch_model.bin` (of shards: `sha256sum pytorch_model-*.bin | sha256sum`), and add sha256",
        )


def _function(model: Values, source: FunctionSource) -> Iterator[Fault]:
    yield from _written(model, _FOR_CHECKPOINTS, "checkpoints; this source is a function")
    outside = [path for path in model.get(keys.FILES) or () if not path.is_relative_to(source.root)]
    if outside:
        yield Fault(
            "MP-E113",
            model.place(keys.FILES).keys,
            f'"{outside[0].name}" does not lie below the folder of the configuration',
            remedy="move it there: the function finds it by its place beside the module",
        )


def _written(model: Values, unfit: tuple[Key[object], ...], found: str) -> Iterator[Fault]:
    for key in unfit:
        if model.get(key) is not None:
            yield Fault("MP-E113", model.place(key).keys, f"{key.name} is for {found}")
