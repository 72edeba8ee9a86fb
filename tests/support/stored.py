"""Action records and stores for tests."""

from __future__ import annotations

import os
from pathlib import Path

from modelpack.digest import digest_bytes
from modelpack.keys import InputDigest, KeyPreimage, step_key
from modelpack.planned import SplitParams
from modelpack.record import Measurement, Output, StepResult
from modelpack.store.actions import ActionRecord

DIGEST_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def action_record(name: str, *blobs: bytes) -> ActionRecord:
    """The record of a split of the input `name` that gave these blobs."""
    preimage = KeyPreimage(
        kind="split",
        params=SplitParams(chunk_size_bytes=4096),
        code=(("steps/split.py", digest_bytes(b"code")),),
        tools=(("onnx", "1.19.0"),),
        inputs=(InputDigest("model", "", digest_bytes(name.encode())),),
        platform="",
    )
    outputs = tuple(
        Output("chunk", f"{index}.bin", digest_bytes(blob), len(blob))
        for index, blob in enumerate(blobs)
    )
    result = StepResult(outputs, (Measurement("tensors", 3), Measurement("drop", 0.25)), ("ok",))
    return ActionRecord(step_key(preimage), preimage, result)


def files_under(folder: Path) -> list[str]:
    """The paths of all that is no folder under `folder`, relative to it, sorted."""
    return sorted(
        str((Path(place) / name).relative_to(folder))
        for place, _, names in os.walk(folder)
        for name in names
    )
