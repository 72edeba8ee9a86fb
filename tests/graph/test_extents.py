from __future__ import annotations

import pytest
from onnx import TensorProto

from modelpack.errors import SourceError
from modelpack.graph.extents import check_overlaps, read_extent
from modelpack.record import TensorFacts


def external(**entries: str) -> TensorProto:
    tensor = TensorProto(name="w", data_type=1, dims=[4])
    for key, entry in entries.items():
        tensor.external_data.add(key=key, value=entry)
    return tensor


def placed(name: str, offset: int, size: int, location: str = "w.bin") -> TensorFacts:
    return TensorFacts(name, "uint8", (size,), size, (), location, offset)


def test_extent_without_offset_and_length_is_the_start_of_the_file() -> None:
    assert read_extent("w", external(location="w.bin"), 16) == ("w.bin", 0, None)


def test_extent_with_everything_is_read() -> None:
    tensor = external(location="w.bin", offset="4096", length="16", checksum="abc")

    assert read_extent("w", tensor, 16) == ("w.bin", 4096, "abc")


@pytest.mark.parametrize("text", ["", " 1", "+1", "-0", "1_0", "1e3", "٣", "1" * 19])
def test_extent_of_no_plain_number_is_refused(text: str) -> None:
    with pytest.raises(SourceError, match="expected a whole number"):
        read_extent("w", external(location="w.bin", offset=text), 16)


@pytest.mark.parametrize(
    "tensors",
    [
        (),
        (placed("a", 0, 8), placed("b", 8, 8)),
        (placed("a", 0, 8), placed("b", 0, 8)),
        (placed("a", 0, 8), placed("b", 4, 8, "other.bin")),
        (placed("a", 0, 8), placed("b", 4, 0)),
        (placed("a", 0, 8), placed("b", 100, 8)),
    ],
    ids=["none", "adjacent", "identical", "other-file", "no-bytes", "gap"],
)
def test_overlaps_of_tensors_that_share_all_or_nothing_pass(
    tensors: tuple[TensorFacts, ...],
) -> None:
    check_overlaps(tensors)


@pytest.mark.parametrize(
    "second",
    [placed("b", 7, 8), placed("b", 0, 7), placed("b", 2, 2), placed("b", 0, 9)],
    ids=["tail", "head", "inside", "around"],
)
def test_overlaps_of_a_part_are_refused(second: TensorFacts) -> None:
    with pytest.raises(SourceError, match=r"MP-E312 .* overlaps tensor"):
        check_overlaps((placed("a", 0, 8), second))
