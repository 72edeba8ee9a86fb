"""Requests, and compression lost to the cutting rule: chunks against the same bytes in one file.

    python benchmarks/cutting.py MODEL.onnx [MODEL.onnx …] [--forms gzip,zstd,br]

For each model and number format: chunks; bytes on the wire in chunks, each in its best form where that is worth a file;
and the ratio to the graph and the whole data file encoded as one each. 1.00 means that cutting costs nothing.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import get_args

import msgspec

from modelpack.errors import StepError
from modelpack.planned import QuantizeParams, ShakeParams, SplitParams
from modelpack.record import FileLayout, Layout
from modelpack.spec.project import Form
from modelpack.spec.variants import Dtype
from modelpack.steps import quantize, shake, split
from modelpack.steps.compress import encode, is_worth_it
from modelpack.steps.contract import InputFiles, StepInput, StepOutput
from modelpack.units import MIB

LEVELS: dict[Form, int] = {"gzip": 9, "zstd": 19, "br": 11}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--forms", default=",".join(get_args(Form)))
    parser.add_argument("--dtypes", default="fp32,fp16,q8")
    arguments = parser.parse_args()
    forms = msgspec.convert(arguments.forms.split(","), tuple[Form, ...])
    dtypes = msgspec.convert(arguments.dtypes.split(","), tuple[Dtype, ...])
    print(
        f"{'model':<16}{'format':<8}{'bytes':>12}{'chunks':>8}  {'form':<6}{'in chunks':>12}{'ratio':>8}"
    )
    for path in arguments.models:
        for dtype in dtypes:
            with tempfile.TemporaryDirectory() as folder:
                for line in measure(path, dtype, forms, Path(folder)):
                    print(f"{path.stem:<16}{dtype:<8}{line}", flush=True)


def measure(path: Path, dtype: Dtype, forms: tuple[Form, ...], folder: Path) -> Iterator[str]:
    try:
        output = split_variant(path, dtype, folder)
    except StepError as err:
        yield f" {err.message}"
        return
    layout, *chunk_paths = [file.path for file in output.files]
    files = msgspec.json.decode(layout.read_bytes(), type=Layout).files
    chunks = {chunk.stem: chunk.read_bytes() for chunk in chunk_paths}
    whole = [assembled(file, chunks) for file in files]
    size_bytes = sum(map(len, whole))
    for form in forms:
        cut_bytes = encoded_bytes(form, list(chunks.values()))
        ratio = cut_bytes / encoded_bytes(form, whole)
        yield f"{size_bytes:>12}{len(chunks):>8}  {form:<6}{cut_bytes:>12}{ratio:>8.4f}"


def split_variant(path: Path, dtype: Dtype, folder: Path) -> StepOutput:
    """The model shaken, in the number format, and split."""
    steps = ("shaken", "quantized", "split")
    scratch = {name: folder / name for name in steps}
    for name in steps:
        scratch[name].mkdir()
    shaken = shake.run(StepInput(ShakeParams((), ()), model_files((path,)), scratch["shaken"]))
    quantized = quantize.run(
        StepInput(QuantizeParams(dtype, "wasm", (), 32), outputs(shaken), scratch["quantized"])
    )
    return split.run(StepInput(SplitParams(4 * MIB), outputs(quantized), scratch["split"]))


def outputs(output: StepOutput) -> tuple[InputFiles, ...]:
    return model_files(tuple(file.path for file in output.files if file.role == "model"))


def model_files(paths: tuple[Path, ...]) -> tuple[InputFiles, ...]:
    return (InputFiles("model", paths),)


def assembled(file: FileLayout, chunks: dict[str, bytes]) -> bytes:
    return b"".join(
        chunks[part.chunk][part.offset_bytes : part.offset_bytes + part.size_bytes]
        if part.chunk
        else bytes(part.size_bytes)
        for part in file.parts
    )


def encoded_bytes(form: Form, contents: list[bytes]) -> int:
    """What would be sent: the encoded bytes where they are worth a file, else the plain ones."""
    with ThreadPoolExecutor(2) as pool:
        encoded = list(pool.map(partial(encode, form, LEVELS[form]), contents))
    return sum(
        len(code) if is_worth_it(len(plain), len(code)) else len(plain)
        for plain, code in zip(contents, encoded, strict=True)
    )


if __name__ == "__main__":
    main()
