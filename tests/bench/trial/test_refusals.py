from __future__ import annotations

import pytest

from modelpack.bench.trial.refusals import Refusal, refusal_of

ABSENT = (
    "Can't create a session. ERROR_CODE: 9, ERROR_MESSAGE: Could not find an implementation for "
    "com.microsoft.ScaledSiLU(1) node with name '/last'"
)
STOPPED = (
    "failed to call OrtRun(). ERROR_CODE: 6, ERROR_MESSAGE: Non-zero status code returned while running Conv node. "
    "Name:'/conv1/Conv' Status Message: only 2-d"
)


@pytest.mark.parametrize(
    ("message", "node", "operator"),
    [
        (ABSENT, "/last", "com.microsoft.ScaledSiLU"),
        (STOPPED, "/conv1/Conv", "Conv"),
        ('[WebGPU] Kernel "[Conv] /conv1/Conv" failed. Error: no', "/conv1/Conv", "Conv"),
        ('In Node, ("/a", Foo, "", -1) : Error', "/a", "Foo"),
        ("Node (/a) Op (Add) [ShapeInferenceError] no", "/a", "Add"),
        ("No Op registered for Swish with domain_version of 17", "", "Swish"),
        ("Fatal error: com.acme:Bar(-1) is not a registered function/op", "", "com.acme:Bar"),
    ],
)
def test_refusal_names_node_and_operator(message: str, node: str, operator: str) -> None:
    found = refusal_of(message)
    assert (found.node, found.operator) == (node, operator)


def test_refusal_without_a_node_keeps_the_message_on_one_line() -> None:
    assert refusal_of("std::bad_alloc\n  in  heap") == Refusal("", "", "std::bad_alloc in heap")


def test_refusal_of_a_long_message_is_cut() -> None:
    assert len(refusal_of("x" * 9000).message) == 300
