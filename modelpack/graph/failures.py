"""What onnxruntime raises, which has no common base below Exception, and the first thing it says."""

from __future__ import annotations

from onnxruntime.capi import onnxruntime_pybind11_state as state

ONNXRUNTIME_ERRORS: tuple[type[Exception], ...] = (
    state.EPFail,
    state.EngineError,
    state.Fail,
    state.InvalidArgument,
    state.InvalidGraph,
    state.InvalidProtobuf,
    state.NoSuchFile,
    state.NotImplemented,
    state.RuntimeException,
)


def first_line(err: Exception) -> str:
    """What the error says, without what follows its first line."""
    return str(err).partition("\n")[0][:300]
