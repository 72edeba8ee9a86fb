from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.graph.cutting import (
    DATA_FILE_BYTES,
    LARGE_WEIGHT_BYTES,
    NEIGHBOURS_BYTES,
    PACK_BYTES,
    Piece,
    Place,
    Weight,
    cut_weights,
    place_weights,
    scope_of,
)
from modelpack.units import KIB, MIB

SIZES = st.one_of(
    st.integers(1024, 8 * KIB), st.integers(100 * KIB, 600 * KIB), st.integers(1, 20 * MIB)
)


def weights(*sizes_bytes: int, scope: str = "a") -> tuple[Weight, ...]:
    path = tuple(scope.split("/"))
    return tuple(
        Weight(f"{scope}{number}", size_bytes, path)
        for number, size_bytes in enumerate(sizes_bytes)
    )


def test_cut_weights_just_below_large_are_packed_together() -> None:
    below = LARGE_WEIGHT_BYTES - 1

    chunks = cut_weights(weights(below, below), 4 * MIB)

    assert chunks == ((Piece("a0", 0, below), Piece("a1", 0, below)),)


def test_cut_weight_of_large_size_has_its_own_chunk() -> None:
    chunks = cut_weights(weights(1024, LARGE_WEIGHT_BYTES, 1024), 4 * MIB)

    assert chunks == (
        (Piece("a0", 0, 1024), Piece("a2", 0, 1024)),
        (Piece("a1", 0, LARGE_WEIGHT_BYTES),),
    )


def test_cut_weight_above_chunk_size_is_cut_from_its_own_start() -> None:
    chunks = cut_weights(weights(1024, 9 * MIB), 4 * MIB)

    assert chunks[1:] == (
        (Piece("a1", 0, 4 * MIB),),
        (Piece("a1", 4 * MIB, 4 * MIB),),
        (Piece("a1", 8 * MIB, 1 * MIB),),
    )


def test_cut_weights_of_small_scopes_share_a_pack() -> None:
    half = NEIGHBOURS_BYTES // 4

    chunks = cut_weights((*weights(half, half), *weights(half, half, scope="b")), 4 * MIB)

    assert [[piece.name for piece in chunk] for chunk in chunks] == [["a0", "a1", "b0", "b1"]]


def test_cut_weights_of_scopes_too_large_together_are_apart() -> None:
    half = NEIGHBOURS_BYTES // 4

    chunks = cut_weights((*weights(half, half), *weights(half, half + 1, scope="b")), 4 * MIB)

    assert [[piece.name for piece in chunk] for chunk in chunks] == [["a0", "a1"], ["b0", "b1"]]


def test_cut_weights_join_the_widest_scope_that_is_small_enough() -> None:
    fifth = NEIGHBOURS_BYTES // 5

    chunks = cut_weights(
        (
            *weights(fifth, fifth, scope="m/one/x"),
            *weights(fifth, fifth, scope="m/one/y"),
            *weights(fifth, fifth, scope="m/two/x"),
        ),
        4 * MIB,
    )

    assert [[piece.name for piece in chunk] for chunk in chunks] == [
        ["m/one/x0", "m/one/x1", "m/one/y0", "m/one/y1"],
        ["m/two/x0", "m/two/x1"],
    ]


def test_cut_weights_beyond_a_full_pack_start_the_next() -> None:
    quarter = 200 * KIB

    chunks = cut_weights(weights(*[quarter] * 6), 4 * MIB)

    assert [len(chunk) for chunk in chunks] == [5, 1]


@given(st.lists(st.tuples(SIZES, st.sampled_from("abc")), max_size=30), SIZES)
def test_cut_weights_give_every_byte_once_and_no_chunk_too_large(
    declared: list[tuple[int, str]], chunk_size_bytes: int
) -> None:
    chunk_size_bytes = max(chunk_size_bytes, LARGE_WEIGHT_BYTES)
    placed = [Weight(str(n), size, (scope,)) for n, (size, scope) in enumerate(declared)]

    chunks = cut_weights(placed, chunk_size_bytes)

    pieces = [piece for chunk in chunks for piece in chunk]
    for weight in placed:
        ends = 0
        for piece in (piece for piece in pieces if piece.name == weight.name):
            assert piece.offset_bytes == ends
            ends += piece.size_bytes
        assert ends == weight.size_bytes
    limit = max(chunk_size_bytes, PACK_BYTES)
    assert all(sum(piece.size_bytes for piece in chunk) <= limit for chunk in chunks)


@given(st.lists(SIZES, min_size=1, max_size=8), st.lists(SIZES, max_size=8), SIZES)
def test_cut_weights_growth_of_one_scope_leaves_cuts_of_another(
    first: list[int], second: list[int], grown: int
) -> None:
    # A scope with more small weights than neighbours may share keeps to itself.
    others = weights(*[200 * KIB] * 3, *second, scope="b")

    before = cut_weights((*weights(*first), *others), 4 * MIB)
    after = cut_weights((*weights(grown, *first), *others), 4 * MIB)

    assert [chunk for chunk in before if chunk[0].name.startswith("b")] == [
        chunk for chunk in after if chunk[0].name.startswith("b")
    ]


def test_place_weights_aligns_small_to_cache_lines_and_large_to_pages() -> None:
    places = place_weights(weights(1025, 1024, LARGE_WEIGHT_BYTES, 1024))

    assert places == (Place(0, 0), Place(0, 1088), Place(0, 4096), Place(0, 266240))


def test_place_weights_beyond_one_gib_starts_the_next_file() -> None:
    places = place_weights(weights(DATA_FILE_BYTES - 4096, 4096, 4096))

    assert places == (Place(0, 0), Place(0, DATA_FILE_BYTES - 4096), Place(1, 0))


def test_place_weights_larger_than_a_file_has_one_of_its_own() -> None:
    places = place_weights(weights(4096, DATA_FILE_BYTES + 1, 4096))

    assert places == (Place(0, 0), Place(1, 0), Place(2, 0))


@pytest.mark.parametrize(
    ("consumer", "expected"),
    [
        ("/bert/encoder/layer.0/output/Add", ("bert", "encoder", "layer.0", "output")),
        ("branch/Conv", ("branch",)),
        ("Conv_12", ()),
        ("", ()),
    ],
)
def test_scope_of_consumer_is_the_path_to_it(consumer: str, expected: tuple[str, ...]) -> None:
    assert scope_of(consumer) == expected
