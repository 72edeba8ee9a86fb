"""Which data files a model needs, and whether they may be opened: decided before any library touches them.

A location in a graph is text from a stranger. The rules:

1. It is a relative name with `/` between folders, each part plain: not empty, `.` or `..`, no backslash, no colon
   (drives, alternate streams), no control characters, at most 255 bytes; and it is not the graph itself, under its own
   name or the one steps see it as.
2. Two locations do not differ by case or Unicode form alone: they would be one file on other machines.
3. It names a regular file. Links are followed, but the file has to lie in the folder of the graph, or, where the graph
   is itself a link, in the folder that link leads to: a Hugging Face cache links every file of a model into one folder.
   More than one hard link is fine (pnpm makes them), because steps only ever see copies.
4. Every tensor's extent ends inside the file; the file is not much larger than what tensors use of it.
5. Where the graph gives a SHA-1 of the file, it holds.
"""

from __future__ import annotations

import hashlib
import stat
import unicodedata
from itertools import groupby
from pathlib import Path

from modelpack.errors import SourceError
from modelpack.record import ModelFacts, TensorFacts
from modelpack.units import format_size

_STEP_GRAPH_NAME = "model.onnx"
_MAX_PART_BYTES = 255  # the longest file name on every usual file system
_MAX_LOCATION_BYTES = 1000
_MAX_UNUSED_BYTES = (
    16 << 30
)  # files shared by several graphs have gaps; a sparse file of 1 TB is an attack
_BLOCK_BYTES = 1 << 20
_PLACE_IT = "export the model again, with its data file beside it"
_FETCH_DATA = "fetch the data file that belongs to this graph"


def resolve_external(graph: Path, facts: ModelFacts) -> tuple[Path, ...]:
    """The data files of the model at `graph`, sorted by location.

    Raises: SourceError MP-E310 (rules 1, 2), MP-E311 (rule 3), MP-E312 (rules 4, 5), naming a tensor and the rule.
    """
    outside = [tensor for tensor in facts.tensors if tensor.location is not None]
    outside.sort(key=_location)
    by_location = {location: list(tensors) for location, tensors in groupby(outside, _location)}
    for location, tensors in by_location.items():
        _check_location(location, tensors[0], graph)
    _check_twins(by_location, graph)
    return tuple(_data_file(graph, location, by_location[location]) for location in by_location)


def data_locations(graph: Path, facts: ModelFacts) -> tuple[str, ...]:
    """The names of the graph's data files, sorted; that they exist is not asked.

    Raises: SourceError MP-E310 (rules 1, 2).
    """
    outside = {tensor.location: tensor for tensor in facts.tensors if tensor.location is not None}
    by_location = {location: [outside[location]] for location in sorted(outside)}
    for location, tensors in by_location.items():
        _check_location(location, tensors[0], graph)
    _check_twins(by_location, graph)
    return tuple(by_location)


def _location(tensor: TensorFacts) -> str:
    return tensor.location or ""


def _check_location(location: str, tensor: TensorFacts, graph: Path) -> None:
    broken = _broken_rule(location)
    if location in {graph.name, _STEP_GRAPH_NAME}:
        broken = "is the graph file itself"
    if broken:
        raise SourceError(
            "MP-E310",
            f'tensor "{tensor.name}": its location {_shown(location)} {broken}; '
            "expected a relative name inside the model's folder",
            where=str(graph),
            remedy=_PLACE_IT,
        )


def _broken_rule(location: str) -> str:
    """What is wrong with a location by rule 1, as the end of a sentence; empty where nothing is."""
    parts = location.split("/")
    sizes = [len(part.encode(errors="replace")) for part in parts]
    rules = (
        (not location, "is empty"),
        (any(map(_is_control, location)), "has control characters"),
        ("\\" in location or ":" in location, 'has a "\\" or ":" in it'),
        (location.startswith("/"), "is absolute"),
        (".." in parts, 'has a ".." in it'),
        ("." in parts or "" in parts, 'has an empty part or a "." in it'),
        (max(sizes) > _MAX_PART_BYTES or sum(sizes) > _MAX_LOCATION_BYTES, "is too long"),
    )
    return next((reason for is_broken, reason in rules if is_broken), "")


def _is_control(letter: str) -> bool:
    return unicodedata.category(letter) in {"Cc", "Cs"}


def _check_twins(by_location: dict[str, list[TensorFacts]], graph: Path) -> None:
    seen = {_folded(name): name for name in (graph.name, _STEP_GRAPH_NAME)}
    for location, tensors in by_location.items():
        twin = seen.setdefault(_folded(location), location)
        if twin != location:
            raise SourceError(
                "MP-E310",
                f'tensor "{tensors[0].name}": its location {_shown(location)} and {_shown(twin)} '
                "are one file on machines that ignore case",
                where=str(graph),
                remedy="rename one of the files",
            )


def _folded(location: str) -> str:
    return unicodedata.normalize("NFC", location).casefold()


def _data_file(graph: Path, location: str, tensors: list[TensorFacts]) -> Path:
    path = graph.parent / location
    size_bytes = _regular_size(path, graph, location, tensors[0])
    _check_inside(path, graph, tensors[0])
    _check_extents(path, graph, size_bytes, tensors)
    _check_checksum(path, graph, tensors)
    return path


def _regular_size(path: Path, graph: Path, location: str, tensor: TensorFacts) -> int:
    try:
        facts = path.stat()
    except OSError as err:
        raise SourceError(
            "MP-E311",
            f'tensor "{tensor.name}": its data file {_shown(location)} cannot be found ({err.strerror})',
            where=str(graph),
            remedy=_FETCH_DATA,
        ) from err
    if not stat.S_ISREG(facts.st_mode):
        raise SourceError(
            "MP-E311",
            f'tensor "{tensor.name}": its data file {_shown(location)} is not a regular file',
            where=str(graph),
            remedy=_FETCH_DATA,
        )
    return facts.st_size


def _check_inside(path: Path, graph: Path, tensor: TensorFacts) -> None:
    folders = (graph.parent.resolve(), graph.resolve().parent)
    if not any(path.resolve().is_relative_to(folder) for folder in folders):
        raise SourceError(
            "MP-E311",
            f'tensor "{tensor.name}": its data file {_shown(tensor.location or "")} is a link that leaves the model\'s folder',
            where=str(graph),
            remedy="replace the link by a copy of the file",
        )


def _check_extents(path: Path, graph: Path, size_bytes: int, tensors: list[TensorFacts]) -> None:
    last = max(tensors, key=lambda tensor: tensor.offset_bytes + tensor.size_bytes)
    end = last.offset_bytes + last.size_bytes
    if end > size_bytes:
        raise SourceError(
            "MP-E312",
            f'tensor "{last.name}" ends at byte {end} of {_shown(path.name)}, which has {size_bytes}',
            where=str(graph),
            remedy=_FETCH_DATA,
        )
    used = sum(length for _, length in {(t.offset_bytes, t.size_bytes) for t in tensors})
    if size_bytes - used > _MAX_UNUSED_BYTES:
        raise SourceError(
            "MP-E312",
            f"{_shown(path.name)} has {format_size(size_bytes)}, of which tensors use {format_size(used)}",
            where=str(graph),
            remedy=_FETCH_DATA,
        )


def _check_checksum(path: Path, graph: Path, tensors: list[TensorFacts]) -> None:
    declared = next((tensor for tensor in tensors if tensor.checksum is not None), None)
    if declared is not None and declared.checksum != _sha1(path):
        raise SourceError(
            "MP-E312",
            f'tensor "{declared.name}": the SHA-1 of {_shown(path.name)} is not the one in the graph',
            where=str(graph),
            remedy=_FETCH_DATA,
        )


def _sha1(path: Path) -> str:
    """ONNX's own `checksum`; a guard against mix-ups, not against attackers."""
    hasher = hashlib.sha1(usedforsecurity=False)
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            hasher.update(block)
    return hasher.hexdigest()


def _shown(location: str) -> str:
    """The location as it can be printed anywhere."""
    text = location if len(location) <= 80 else f"{location[:77]}..."
    return (
        '"'
        + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
        + '"'
    )
