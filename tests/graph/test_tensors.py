from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto

from modelpack.graph.tensors import check_tensor, count_not_finite
from modelpack.graph.walk import NamedTensor
from modelpack.record import TensorFacts


def facts(tensor: TensorProto) -> TensorFacts:
    return check_tensor(NamedTensor("w", tensor, is_weight=True, is_initializer=True), ())


@pytest.mark.parametrize(
    ("tensor", "size_bytes"),
    [
        (TensorProto(data_type=TensorProto.FLOAT, float_data=[1, 2]), 8),
        (TensorProto(data_type=TensorProto.COMPLEX64, float_data=[1, 2, 3, 4]), 16),
        (TensorProto(data_type=TensorProto.DOUBLE, double_data=[1, 2]), 16),
        (TensorProto(data_type=TensorProto.FLOAT16, int32_data=[1, 2]), 4),
        (TensorProto(data_type=TensorProto.BOOL, int32_data=[1, 0]), 2),
        (TensorProto(data_type=TensorProto.INT4, int32_data=[0x21]), 1),
        (TensorProto(data_type=TensorProto.UINT2, int32_data=[0x21]), 1),
        (TensorProto(data_type=TensorProto.INT64, int64_data=[1, 2]), 16),
        (TensorProto(data_type=TensorProto.UINT32, uint64_data=[1, 2]), 8),
    ],
)
def test_tensor_of_typed_values_has_its_size(tensor: TensorProto, size_bytes: int) -> None:
    tensor.dims.append(2)

    assert facts(tensor).size_bytes == size_bytes


def test_tensor_without_dimensions_is_one_number() -> None:
    tensor = TensorProto(data_type=TensorProto.FLOAT, raw_data=bytes(4))

    assert facts(tensor) == TensorFacts("w", "float32", (), 4)


def test_tensor_with_a_dimension_of_zero_needs_no_values() -> None:
    tensor = TensorProto(data_type=TensorProto.FLOAT, dims=[0, 5])

    assert facts(tensor) == TensorFacts("w", "float32", (0, 5), 0)


BAD = np.array([1, np.nan, np.inf, -np.inf, -0.0])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_not_finite_values_are_counted_in_raw_bytes(dtype: type[np.floating]) -> None:
    number = {2: TensorProto.FLOAT16, 4: TensorProto.FLOAT, 8: TensorProto.DOUBLE}
    content = BAD.astype(dtype)
    tensor = TensorProto(data_type=number[content.itemsize], dims=[5], raw_data=content.tobytes())

    assert count_not_finite(tensor) == (1, 2)


def test_not_finite_values_are_counted_in_typed_values() -> None:
    tensor = TensorProto(data_type=TensorProto.FLOAT, dims=[5], float_data=BAD)

    assert count_not_finite(tensor) == (1, 2)


def test_not_finite_values_are_counted_past_the_first_block() -> None:
    content = np.zeros((1 << 20) + 1, np.float32)
    content[-1] = np.nan
    tensor = TensorProto(
        data_type=TensorProto.FLOAT, dims=[content.size], raw_data=content.tobytes()
    )

    assert count_not_finite(tensor) == (1, 0)


@pytest.mark.parametrize(
    ("dtype", "raw"),
    [
        (TensorProto.BFLOAT16, b"\xc0\x7f\x80\x7f"),  # NaN, infinity
        (TensorProto.FLOAT8E5M2, b"\x7f\x7c"),
    ],
)
def test_not_finite_values_of_short_floats_are_counted(dtype: int, raw: bytes) -> None:
    assert count_not_finite(TensorProto(data_type=dtype, dims=[2], raw_data=raw)) == (1, 1)


def test_not_finite_values_in_whole_numbers_there_are_none() -> None:
    tensor = TensorProto(data_type=TensorProto.INT32, dims=[1], raw_data=b"\xff" * 4)

    assert count_not_finite(tensor) == (0, 0)
