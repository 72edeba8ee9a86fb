"""Whether WebGPU computes what the processor computes: single operators over shapes and attributes that kernels treat apart.

`python -m tools.compatibility.values node_modules/onnxruntime-web` runs each case in a real Chromium, with SwiftShader as the
graphics processor where there is no other, and prints those whose result is another one, and whether builds repair them. A case that fails loudly is no
matter: the table of kernels and the loader's next variant are for those.
"""

from __future__ import annotations

import argparse
import base64
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import onnx
import onnx_ir as ir
from msgspec import Struct
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from modelpack.bench.browsers import choose_browser, started
from modelpack.bench.site import Folders, open_site
from modelpack.graph.recipes.channels import pad_channels
from modelpack.graph.sessions import open_session, run_session

_TOLERANCE: Final = 1e-3  # of the largest magnitude: kernels add up in another order
_PAGE: Final = """
async (models) => {
  const ort = await import("/ort/ort.webgpu.min.mjs");
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = `${location.origin}/ort/`;
  const found = [];
  for (const [model, data, dims] of models) {
    try {
      const bytes = Uint8Array.from(atob(model), (character) => character.charCodeAt(0));
      const session = await ort.InferenceSession.create(bytes, { executionProviders: ["webgpu"], logSeverityLevel: 4 });
      const { y } = await session.run({ x: new ort.Tensor("float32", Float32Array.from(data), dims) });
      found.push(Array.from(y.data));
      await session.release();
    } catch {
      found.push(null);
    }
  }
  return found;
}
"""

Floats = NDArray[np.float32]
Attributes = dict[str, object]


class Case(Struct, frozen=True):
    """One node that reads `x` and what is stored beside it, and gives `y`."""

    operator: str
    shape: tuple[int, ...]
    attributes: Attributes = {}
    stored: tuple[tuple[int, ...] | NDArray[np.generic], ...] = ()


def cases() -> Iterator[Case]:
    """What kernels are known to treat apart."""
    yield from _filters()
    yield from _pools_and_sizes()
    yield from _products()
    yield from _norms_and_sums()


def _filters() -> Iterator[Case]:
    same: Attributes = {"pads": [1, 1, 1, 1]}
    for channels in (1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 15, 16, 17, 30, 33, 63, 64, 65, 129, 130):
        for made in (4, 6, 8):
            yield Case("Conv", (1, channels, 8, 8), same, ((made, channels, 3, 3),))
        yield Case("Conv", (1, channels, 10), {"pads": [1, 1]}, ((8, channels, 3),))
        yield Case("Conv", (1, channels, 8, 8), {}, ((8, channels, 1, 1),))
        yield Case("Conv", (1, channels, 8, 8), {"strides": [2, 2]}, ((8, channels, 1, 1),))
        yield Case("Conv", (1, 2 * channels, 8, 8), {**same, "group": 2}, ((8, channels, 3, 3),))
        yield Case("Conv", (1, channels, 8, 8), {**same, "group": channels}, ((channels, 1, 3, 3),))
        twice: Attributes = {"strides": [2, 2]}
        yield Case("ConvTranspose", (1, channels, 6, 6), twice, ((channels, 8, 3, 3),))
    for padding in ("SAME_UPPER", "SAME_LOWER"):
        for stride in (1, 2, 3):
            for size in (8, 9):
                attributes: Attributes = {"auto_pad": padding, "strides": [stride, stride]}
                yield Case("Conv", (1, 4, size, size), attributes, ((8, 4, 3, 3),))
    for pads in ([0, 0, 1, 1], [1, 0, 0, 1]):
        yield Case("Conv", (1, 4, 8, 8), {"pads": pads, "strides": [2, 2]}, ((8, 4, 3, 3),))
    yield Case("Conv", (1, 8, 9, 9), {"dilations": [2, 2]}, ((8, 8, 3, 3),))
    yield Case("Conv", (1, 9, 4, 4, 4), {}, ((8, 9, 3, 3, 3),))


def _pools_and_sizes() -> Iterator[Case]:
    three: Attributes = {"kernel_shape": [3, 3]}
    for operator in ("MaxPool", "AveragePool"):
        yield Case(operator, (1, 4, 8, 8), {**three, "pads": [1] * 4})
        yield Case(operator, (1, 4, 8, 8), {**three, "strides": [2, 2], "ceil_mode": 1})
        yield Case(operator, (1, 4, 8, 8), {**three, "strides": [2, 2], "auto_pad": "SAME_UPPER"})
    yield Case("AveragePool", (1, 4, 8, 8), {**three, "pads": [1] * 4, "count_include_pad": 1})
    for mode in ("constant", "reflect", "edge"):
        pads = np.array([0, 0, 1, 2, 0, 0, 2, 1], np.int64)
        yield Case("Pad", (1, 3, 8, 8), {"mode": mode}, (pads,))
    for where in ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"):
        for mode in ("nearest", "linear", "cubic"):
            sizes = (np.zeros(0, np.float32), np.array([1, 1, 2, 1.5], np.float32))
            how: Attributes = {"mode": mode, "coordinate_transformation_mode": where}
            yield Case("Resize", (1, 3, 6, 6), how, sizes)
    yield Case("DepthToSpace", (2, 4, 6, 6), {"blocksize": 2})
    yield Case("SpaceToDepth", (2, 4, 6, 6), {"blocksize": 2})


def _products() -> Iterator[Case]:
    for rows, depth, columns in ((3, 5, 7), (6, 9, 8), (1, 3, 4), (2, 33, 8), (5, 129, 128)):
        yield Case("MatMul", (1, rows, depth), {}, ((depth, columns),))
        yield Case("Gemm", (rows, depth), {}, ((depth, columns),))
        yield Case("Gemm", (rows, depth), {"transB": 1}, ((columns, depth),))


def _norms_and_sums() -> Iterator[Case]:
    for operator in ("ReduceMean", "ReduceMax", "ReduceMin", "ReduceL2", "ReduceProd"):
        for axes in ([1], [2], [-1], [1, 2], [0, 1, 2]):
            yield Case(operator, (3, 5, 7), {"axes": axes})
    for width in (4, 5, 6, 12):
        yield Case("LayerNormalization", (2, 3, width), {}, ((width,), (width,)))
        yield Case("InstanceNormalization", (2, width, 5, 5), {}, ((width,), (width,)))
    for axis in (0, 1, 2):
        yield Case("CumSum", (3, 5, 7), {}, (np.array(axis, np.int64),))
        yield Case("Softmax", (3, 5, 7), {"axis": axis})
    for operator in ("Erf", "HardSwish", "Elu", "Selu", "Softplus", "Tanh", "Sin", "Cos", "Round"):
        yield Case(operator, (2, 4, 6, 6))


def model_of(case: Case) -> onnx.ModelProto:
    """The model of one node, opset 17."""
    names = [f"stored{index}" for index in range(len(case.stored))]
    node = helper.make_node(case.operator, ["x", *names], ["y"])
    node.attribute.extend(helper.make_attribute(*each) for each in case.attributes.items())
    stored = [
        numpy_helper.from_array(one if isinstance(one, np.ndarray) else _numbers(one), name)
        for name, one in zip(names, case.stored, strict=True)
    ]
    given = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, case.shape)
    made = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "case", [given], [made], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def is_other(expected: Floats, found: Sequence[float]) -> bool:
    """Whether the browser's numbers are not the processor's."""
    if len(found) != expected.size:
        return True
    largest = max(1.0, float(np.abs(expected).max()))
    error = np.abs(np.subtract(found, expected.ravel(), dtype=np.float64)).max()
    return not error <= _TOLERANCE * largest


def main() -> None:
    """Prints the cases that come out wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.compatibility.values", description=__doc__
    )
    parser.add_argument("package", type=Path, metavar="PACKAGE")
    package = parser.parse_args().package
    every = tuple(cases())
    wrong = known = failed = 0
    for case, expected, found in zip(every, *_both(every, package), strict=True):
        if found is None:
            failed += 1
        elif is_other(expected, found):
            wrong += 1
            is_known = bool(pad_channels(ir.from_proto(model_of(case))))
            known += is_known
            sys.stdout.write(f"{'known' if is_known else 'NEW'} {_line(case)}\n")
    sys.stdout.write(
        f"{len(every)} cases, {wrong} wrong, of which modelpack repairs {known}; WebGPU refuses {failed}\n"
    )


def _both(every: Sequence[Case], package: Path) -> tuple[list[Floats], list[list[float] | None]]:
    expected: list[Floats] = []
    given = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for case in every:
            model, feed = model_of(case), _numbers(case.shape)
            path = folder / "case.onnx"
            path.write_bytes(model.SerializeToString())
            expected.append(run_session(open_session(path), {"x": feed})["y"].astype(np.float32))
            encoded = base64.b64encode(model.SerializeToString()).decode()
            given.append([encoded, feed.ravel().tolist(), list(case.shape)])
        (folder / "index.html").write_text("<!doctype html><title>values</title>")
        folders = Folders({"bench": folder, "ort": package / "dist"}, folder, folder)
        choice = choose_browser("", software_gpu=True)
        with (
            started(choice) as browser,
            open_site(folders) as origin,
            browser.page(origin, 1) as page,
        ):
            answer = page.evaluate(_PAGE, given)
    return expected, msgspec.convert(answer, list[list[float] | None])


def _numbers(shape: Sequence[int]) -> Floats:
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


def _line(case: Case) -> str:
    stored = [one if isinstance(one, tuple) else one.tolist() for one in case.stored]
    return f"{case.operator} {case.shape} {case.attributes} {stored}"


if __name__ == "__main__":
    main()
