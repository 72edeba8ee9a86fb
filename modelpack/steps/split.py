"""A graph file with all large weights outside it, and the chunks that make graph and weights.

1. Every initialiser of the main graph of EXTERNAL_FROM_BYTES or more becomes external data, in order of first use.
2. Initialisers of subgraphs stay inside: onnxruntime-web refuses external data there (measured).
3. Equal weights share one place in the data file.
4. Data files exist only as chunks and parts; their digests are taken from the chunks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest
from pathlib import Path

import onnx_ir as ir
from msgspec import Struct

from modelpack.digest import canonical_json, digest_file
from modelpack.graph.chunks import ZEROS, ChunkFolder, joined_parts
from modelpack.graph.cutting import Place, Weight, cut_weights, place_weights, scope_of
from modelpack.graph.io import GRAPH_FILE, read_model
from modelpack.graph.values import dtype_word, input_facts, output_facts
from modelpack.graph.weights import WeightReader, WeightUse, used_weights
from modelpack.planned import SplitParams
from modelpack.record import FileLayout, Layout, Measurement, Part, TensorBytes
from modelpack.steps.contract import OutputFile, StepInput, StepOutput, output_files

EXTERNAL_FROM_BYTES = 1024  # a smaller weight costs more as a record of its place than as bytes
LAYOUT_FILE = "layout.json"
_BINARY = "application/octet-stream"


class _Extent(Struct, frozen=True):
    """One place in a data file, the weight whose bytes lie there, and every weight that has the same bytes."""

    weight: Weight
    place: Place
    uses: tuple[WeightUse, ...]


def run(step: StepInput[SplitParams]) -> StepOutput:
    """The layout of the variant's files, and one file for each distinct chunk."""
    chunk_size_bytes = step.params.chunk_size_bytes
    model = read_model(step.one("model"))
    uses = used_weights(model)
    tensors = tuple(_tensor_bytes(use) for use in uses)
    inputs, outputs = input_facts(model.graph), output_facts(model.graph)

    chunks = ChunkFolder(step.folder)
    outside = tuple(use for use in uses if _goes_outside(use, model.graph))
    extents = _extents(outside)
    data = _cut_data(extents, chunk_size_bytes, chunks)
    _keep_inside(tuple(use for use in uses if use not in outside))
    _move_outside(extents)
    graph = _cut_graph(model, step.folder / GRAPH_FILE, chunk_size_bytes, chunks)

    layout = Layout((graph, *data), inputs, outputs, tensors)
    layout_path = step.folder / LAYOUT_FILE
    layout_path.write_bytes(canonical_json(layout))
    return StepOutput(
        (OutputFile("layout", layout_path), *output_files("chunk", chunks.paths)),
        _measurements(layout, chunks),
    )


def data_file(number: int) -> str:
    """The location of a data file in the graph: `model.data`, then `model.1.data` and so on."""
    return "model.data" if number == 0 else f"model.{number}.data"


def _goes_outside(use: WeightUse, main: ir.Graph) -> bool:
    return (
        use.value.graph is main
        and use.tensor.dtype != ir.DataType.STRING
        and use.tensor.nbytes >= EXTERNAL_FROM_BYTES
    )


def _extents(uses: Sequence[WeightUse]) -> tuple[_Extent, ...]:
    reader = WeightReader()
    by_digest: dict[str, list[WeightUse]] = {}
    for use in uses:
        by_digest.setdefault(reader.digest(use.tensor), []).append(use)
    weights = [
        Weight(digest, same[0].tensor.nbytes, scope_of(same[0].consumer))
        for digest, same in by_digest.items()
    ]
    return tuple(
        _Extent(weight, place, tuple(by_digest[weight.name]))
        for weight, place in zip(weights, place_weights(weights), strict=True)
    )


def _cut_data(
    extents: tuple[_Extent, ...], chunk_size_bytes: int, chunks: ChunkFolder
) -> tuple[FileLayout, ...]:
    parts = _write_chunks(extents, chunk_size_bytes, chunks)
    return tuple(
        _data_layout(data_file(number), tuple(_data_parts(tuple(run), parts)), chunks)
        for number, run in groupby(extents, key=lambda extent: extent.place.file)
    )


def _write_chunks(
    extents: tuple[_Extent, ...], chunk_size_bytes: int, chunks: ChunkFolder
) -> dict[str, list[Part]]:
    """For each weight, by its digest, the parts that make it; the chunks are files now."""
    reader = WeightReader()
    tensors = {extent.weight.name: extent.uses[0].tensor for extent in extents}
    parts: dict[str, list[Part]] = {}
    for pieces in cut_weights([extent.weight for extent in extents], chunk_size_bytes):
        chunk = chunks.add(
            block
            for piece in pieces
            for block in reader.blocks(tensors[piece.name], piece.offset_bytes, piece.size_bytes)
        )
        offset_bytes = 0
        for piece in pieces:
            part = Part(chunk, offset_bytes, piece.size_bytes)
            parts.setdefault(piece.name, []).append(part)
            offset_bytes += piece.size_bytes
    return parts


def _data_parts(run: tuple[_Extent, ...], parts: dict[str, list[Part]]) -> Iterator[Part]:
    """The parts of one data file, with the zeros that align each weight but the first."""
    for extent, following in zip_longest(run, run[1:]):
        yield from parts[extent.weight.name]
        end = extent.place.offset_bytes + extent.weight.size_bytes
        if following is not None and following.place.offset_bytes > end:
            yield Part(ZEROS, 0, following.place.offset_bytes - end)


def _data_layout(path: str, parts: tuple[Part, ...], chunks: ChunkFolder) -> FileLayout:
    size_bytes = sum(part.size_bytes for part in parts)
    digest = chunks.digest_parts(parts)
    return FileLayout(path, "data", _BINARY, digest, size_bytes, joined_parts(parts))


def _keep_inside(uses: tuple[WeightUse, ...]) -> None:
    """These weights lie in the graph now, also those that the input kept in a data file."""
    for use in uses:
        if isinstance(use.tensor, ir.ExternalTensor):
            use.value.const_value = ir.external_data.convert_tensors_from_external([use.tensor])[0]


def _move_outside(extents: tuple[_Extent, ...]) -> None:
    """Every weight of the extents now says where in the data files it will lie."""
    for extent in extents:
        for use in extent.uses:
            use.value.const_value = ir.ExternalTensor(
                data_file(extent.place.file),
                extent.place.offset_bytes,
                extent.weight.size_bytes,
                use.tensor.dtype,
                shape=ir.Shape(use.tensor.shape.numpy()),
                name=use.value.name or "",
            )


def _cut_graph(
    model: ir.Model, path: Path, chunk_size_bytes: int, chunks: ChunkFolder
) -> FileLayout:
    path.write_bytes(ir.to_proto(model).SerializeToString(deterministic=True))
    parts = chunks.add_file(path, chunk_size_bytes)
    return FileLayout(GRAPH_FILE, "graph", _BINARY, digest_file(path), path.stat().st_size, parts)


def _tensor_bytes(use: WeightUse) -> TensorBytes:
    return TensorBytes(
        use.value.name or "",
        dtype_word(use.tensor.dtype),
        use.tensor.nbytes,
        use.consumer,
        use.operator,
    )


def _measurements(layout: Layout, chunks: ChunkFolder) -> tuple[Measurement, ...]:
    return (
        Measurement("sizeBytes", sum(file.size_bytes for file in layout.files)),
        Measurement("chunks", len(chunks.paths)),
        Measurement("tensorBytes", sum(tensor.size_bytes for tensor in layout.tensors)),
    )
