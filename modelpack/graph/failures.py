"""What onnxruntime raises, which has no common base below Exception."""

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
