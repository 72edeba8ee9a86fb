"""F18, rule 35: whatever can change a result is in its key, and nothing else."""

from __future__ import annotations

import ast
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import msgspec
import pytest

import modelpack
from modelpack.engine.code import code_digests
from modelpack.engine.inputs import Inputs
from modelpack.engine.runner import plan_items
from modelpack.keys import InputDigest, KeyPreimage, step_key
from modelpack.planned import (
    AssetsParams,
    CalibrateParams,
    CompatibilityParams,
    CompressParams,
    ConvertParams,
    EvaluateParams,
    ExportParams,
    FetchParams,
    GoldenParams,
    InspectParams,
    Params,
    ProjectFile,
    QuantizeParams,
    ShakeParams,
    SimplifyParams,
    SolveParams,
    SplitParams,
    StatisticsParams,
    Step,
    StepKind,
    TracedFunction,
)
from modelpack.spec.golden import RawLayout, StatePair
from modelpack.spec.limits import Target
from modelpack.spec.sources import Export
from modelpack.spec.variants import RecipeSettings
from modelpack.steps.catalog import CATALOG
from modelpack.store.store import Store, open_store

PACKAGE = Path(modelpack.__file__).parent
SIZES = (("batch", 1),)
PAIR = (StatePair("state", "stateN"),)
TARGETS = (Target("cosine", 0.99),)
# For each kind: parameters, and each of them once more with one field changed.
CHANGED: dict[str, tuple[Params, dict[str, Params]]] = {
    "fetch": (FetchParams(), {}),
    "convert": (
        ConvertParams(None, None),
        {"opset": ConvertParams(17, None), "atol": ConvertParams(None, 0.1)},
    ),
    "export": (
        ExportParams(Export()),
        {
            "export": ExportParams(Export(opset=17)),
            "function": ExportParams(Export(), TracedFunction("m", "f", ())),
        },
    ),
    "inspect": (
        InspectParams((), (), ()),
        {
            "outputs": InspectParams(("y",), (), ()),
            "free_dimensions": InspectParams((), SIZES, ()),
            "state": InspectParams((), (), PAIR),
        },
    ),
    "simplify": (SimplifyParams(), {}),
    "shake": (
        ShakeParams((), ()),
        {"outputs": ShakeParams(("y",), ()), "free_dimensions": ShakeParams((), SIZES)},
    ),
    "quantize": (
        QuantizeParams("q4", "wasm", (), 32),
        {
            "dtype": QuantizeParams("q8", "wasm", (), 32),
            "device": QuantizeParams("q4", "webgpu", (), 32),
            "nodes_to_exclude": QuantizeParams("q4", "wasm", ("/a",), 32),
            "block_size": QuantizeParams("q4", "wasm", (), 64),
            "settings": QuantizeParams("q4", "wasm", (), 32, RecipeSettings(symmetric=False)),
        },
    ),
    "golden": (
        GoldenParams("npz", ()),
        {
            "format": GoldenParams("jsonl", ()),
            "free_dimensions": GoldenParams("npz", SIZES),
            "state": GoldenParams("npz", (), PAIR),
            "preprocess": GoldenParams("npz", (), preprocess=RawLayout()),
        },
    ),
    "calibrate": (
        CalibrateParams("minmax"),
        {"method": CalibrateParams("entropy"), "state": CalibrateParams("minmax", PAIR)},
    ),
    "statistics": (
        StatisticsParams(()),
        {"outputs": StatisticsParams(("y",)), "state": StatisticsParams((), PAIR)},
    ),
    "solve": (
        SolveParams("wasm", "entropy", (), (), TARGETS),
        {
            "device": SolveParams("webgpu", "entropy", (), (), TARGETS),
            "shape": SolveParams("wasm", "auto", (), (), TARGETS),
            "nodes_to_exclude": SolveParams("wasm", "entropy", ("/a",), (), TARGETS),
            "outputs": SolveParams("wasm", "entropy", (), ("y",), TARGETS),
            "state": SolveParams("wasm", "entropy", (), (), TARGETS, PAIR),
            "targets": SolveParams("wasm", "entropy", (), (), (Target("cosine", 0.98),)),
            "objective": SolveParams("wasm", "entropy", (), (), TARGETS, (), "latency"),
        },
    ),
    "compatibility": (
        CompatibilityParams("wasm", "1.30.0"),
        {
            "device": CompatibilityParams("webgpu", "1.30.0"),
            "release": CompatibilityParams("wasm", "1.29.0"),
            "accepted": CompatibilityParams("wasm", "1.30.0", (("If", "once"),)),
        },
    ),
    "evaluate": (
        EvaluateParams((), ()),
        {
            "outputs": EvaluateParams(("y",), ()),
            "free_dimensions": EvaluateParams((), SIZES),
            "metrics": EvaluateParams((), (), ("sqnr",)),
            "functions": EvaluateParams((), (), (), (("python:m:f", "f"),)),
            "state": EvaluateParams((), (), state=PAIR),
        },
    ),
    "split": (SplitParams(1024), {"chunk_size_bytes": SplitParams(2048)}),
    "assets": (
        AssetsParams(("labels",), 1024),
        {
            "names": AssetsParams(("words",), 1024),
            "chunk_size_bytes": AssetsParams(("labels",), 2048),
        },
    ),
    "compress": (
        CompressParams((("gzip", 9),)),
        {"forms": CompressParams((("gzip", 8),))},
    ),
}
BASE = KeyPreimage(
    kind="split",
    params=SplitParams(1024),
    code=(("steps/split.py", "aa"), ("spec.py", "bb")),
    tools=(("onnx", "1.19.0"),),
    inputs=(InputDigest("model", "model.onnx", "cc"), InputDigest("model", "weights.bin", "dd")),
    platform="x86_64 avx2",
)


def test_keys_know_every_kind() -> None:
    assert set(CHANGED) == set(get_args(StepKind)) == set(CATALOG)


@pytest.mark.parametrize("kind", CHANGED)
def test_keys_change_with_each_parameter_of_each_kind(kind: str) -> None:
    params, changes = CHANGED[kind]
    assert set(changes) == set(params.__struct_fields__)
    keys = [
        step_key(msgspec.structs.replace(BASE, kind=kind, params=one))
        for one in (params, *changes.values())
    ]
    assert len(set(keys)) == 1 + len(changes)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "assets"},
        {"code": (("steps/split.py", "a0"), ("spec.py", "bb"))},
        {"code": (("steps/split.py", "aa"),)},
        {"tools": (("onnx", "1.19.1"),)},
        {"tools": ()},
        {"platform": "x86_64 avx512f"},
        {"platform": ""},
        {"inputs": BASE.inputs[:1]},
        {"inputs": BASE.inputs[::-1]},
        {"inputs": (InputDigest("reference", "model.onnx", "cc"), BASE.inputs[1])},
        {"inputs": (InputDigest("model", "other.onnx", "cc"), BASE.inputs[1])},
        {"inputs": (InputDigest("model", "model.onnx", "c0"), BASE.inputs[1])},
    ],
)
def test_keys_change_with_everything_in_the_preimage(change: dict[str, object]) -> None:
    assert step_key(msgspec.structs.replace(BASE, **change)) != step_key(BASE)


def test_keys_are_what_they_were() -> None:
    """A change here makes every cache of every user worthless: let it be a decision."""
    assert step_key(BASE) == "f2e121f334ef7e31584e9dee25a78240d78be4cdf60f5704173ba178890d4576"


def test_keys_do_not_mistake_one_field_for_another() -> None:
    one = msgspec.structs.replace(BASE, tools=(("a", "b"), ("c", "d")))
    other = msgspec.structs.replace(BASE, tools=(("a", "bc"), ("", "d")))
    assert step_key(one) != step_key(other)


# --- from files on disk ------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "cache", "test") as opened:
        yield opened


def key_of(path: Path, store: Store) -> str:
    step = Step("split", "m@q", SplitParams(1024), (ProjectFile("model", path),))
    (item,) = plan_items(step, Inputs(store).resolve(step, {}))
    return item.key


def source(folder: Path, name: str, content: bytes = b"content") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    return path


def test_keys_follow_the_content_of_a_file(tmp_path: Path, store: Store) -> None:
    first = key_of(source(tmp_path / "a", "m.bin"), store)
    assert key_of(source(tmp_path / "a", "m.bin", b"content!"), store) != first
    assert key_of(source(tmp_path / "a", "m.bin", b"contenT"), store) != first


def test_keys_do_not_follow_name_folder_or_times_of_a_file(tmp_path: Path, store: Store) -> None:
    path = source(tmp_path / "a", "m.bin")
    first = key_of(path, store)
    os.utime(path, (0, 0))
    path.chmod(0o600)
    assert key_of(path, store) == first
    assert key_of(source(tmp_path / "b", "other.bin"), store) == first
    assert key_of(Path(shutil.copy(path, tmp_path / "copy.BIN")), store) == first


@pytest.mark.parametrize("kind", get_args(StepKind))
def test_keys_hold_the_code_that_runs_and_no_other_step(kind: StepKind) -> None:
    names = [name for name, _ in code_digests(kind)]
    assert f"steps/{kind}.py" in names
    assert [name for name in names if name.startswith("steps/")] == sorted(
        {f"steps/{kind}.py", "steps/contract.py"}
    )
    assert {"planned.py", "spec/golden.py", "record.py", "graph/io.py"} <= set(names)
    assert all(len(digest) == 64 for _, digest in code_digests(kind))


@pytest.mark.parametrize("kind", get_args(StepKind))
def test_keys_hold_every_module_that_a_step_imports(kind: StepKind) -> None:
    known = {PACKAGE / name for name, _ in code_digests(kind)}
    unread, reached = [PACKAGE.parent / f"{CATALOG[kind].module.replace('.', '/')}.py"], set[Path]()
    while unread:
        path = unread.pop()
        if path not in reached:
            reached.add(path)
            unread += imported(path)
    assert reached <= known


def imported(path: Path) -> Iterator[Path]:
    """The files of modelpack's own modules that this one imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            file = PACKAGE.parent / f"{name.replace('.', '/')}.py"
            if name.startswith("modelpack.") and file.is_file():
                yield file
