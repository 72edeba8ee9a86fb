from __future__ import annotations

import pytest

from modelpack.measured import OperatorTime, TensorCopy
from modelpack.report.bench import MeasuredVariant, bench_text, recommended_threads, setting_text
from tests.support.golden import assert_golden
from tests.support.reports import cosine
from tests.support.runs import MACHINE, run


def test_bench_text_is_golden() -> None:
    operators = (OperatorTime("", "MatMul", 0.7, 8192), OperatorTime("", "Gemm\x1b", 0.3, 2560))
    copies = (
        TensorCopy("image", "input", 3_000_000, ("page → worker", "worker → wasm heap"), True),
        TensorCopy("logits", "output", 40, ("wasm heap → worker",), False),
    )
    native = run(engine="native", device="cpu", operators=operators, memory_bytes=None)
    found = (
        MeasuredVariant(
            "faces@q8",
            (native, run(accuracy=cosine(0.99), copies=copies), run(threads=2, p50_s=0.01)),
        ),
        MeasuredVariant("voice@q8", (run(slowdown=4.0, p50_s=1.2345),)),
    )
    assert_golden("report/bench.txt", bench_text(MACHINE, found))


@pytest.mark.parametrize(
    ("p50s", "threads"),
    [
        ((0.02, 0.0185, 0.0182), 1),  # not a tenth faster
        ((0.02, 0.012, 0.0115), 2),  # two are as good as four
        ((0.02, 0.012, 0.008), 4),
        ((0.02, 0.03, 0.04), 1),
    ],
)
def test_recommended_threads_are_the_fewest_that_pay(p50s: tuple[float, ...], threads: int) -> None:
    runs = [run(threads=2**power, p50_s=p50_s) for power, p50_s in enumerate(p50s)]
    choice = recommended_threads([*runs, run(threads=8, slowdown=4.0, p50_s=0.0)])
    assert choice is not None
    assert (choice[0].threads, choice[1].threads) == (threads, 1)


def test_recommended_threads_of_one_run_are_none() -> None:
    assert recommended_threads([run()]) is None
    assert recommended_threads([run(device="webgpu"), run(engine="native", device="cpu")]) is None


def test_setting_text_names_what_differs() -> None:
    assert setting_text(run()) == "chromium wasm, 1 thread"
    found = run(device="webgpu", adapter="SwiftShader", slowdown=2.0)
    assert setting_text(found) == "chromium webgpu, 1 thread, 2 times slower, emulated GPU"
