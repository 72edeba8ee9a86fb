"""External data, attacked. The cases M01 to M22 of the fault list that concern locations and files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from modelpack.errors import SourceError
from modelpack.record import ModelFacts, TensorFacts
from modelpack.sources.external import resolve_external

LEAVES = "; expected a relative name inside the model's folder"


def facts(*tensors: TensorFacts) -> ModelFacts:
    return ModelFacts(8, (("", 17),), (), (), (), tensors)


def tensor(
    location: str, offset: int = 0, size: int = 8, name: str = "w", checksum: str | None = None
) -> TensorFacts:
    return TensorFacts(name, "float32", (size // 4,), size, (), location, offset, checksum)


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"graph")
    (folder / "weights.bin").write_bytes(bytes(16))
    (tmp_path / "secret.bin").write_bytes(bytes(16))
    return folder / "model.onnx"


def test_external_model_without_data_needs_no_file(graph: Path) -> None:
    assert resolve_external(graph, facts(TensorFacts("w", "float32", (2,), 8))) == ()


def test_external_files_are_given_once_and_sorted(graph: Path) -> None:
    (graph.parent / "data").mkdir()
    (graph.parent / "data/a.bin").write_bytes(bytes(8))
    tensors = (tensor("weights.bin"), tensor("data/a.bin"), tensor("weights.bin", 8))

    assert resolve_external(graph, facts(*tensors)) == (
        graph.parent / "data/a.bin",
        graph.parent / "weights.bin",
    )


LOCATIONS = {
    "": ('""', "is empty"),
    "/etc/passwd": ('"/etc/passwd"', "is absolute"),
    "../secret.bin": ('"../secret.bin"', 'has a ".." in it'),
    "a/../../secret.bin": ('"a/../../secret.bin"', 'has a ".." in it'),
    "a/..": ('"a/.."', 'has a ".." in it'),
    ".": ('"."', 'has an empty part or a "." in it'),
    "./weights.bin": ('"./weights.bin"', 'has an empty part or a "." in it'),
    "a//b": ('"a//b"', 'has an empty part or a "." in it'),
    "weights.bin/": ('"weights.bin/"', 'has an empty part or a "." in it'),
    "..\\secret.bin": ('"..\\secret.bin"', 'has a "\\" or ":" in it'),
    "\\\\srv\\share": ('"\\\\srv\\share"', 'has a "\\" or ":" in it'),
    "C:weights.bin": ('"C:weights.bin"', 'has a "\\" or ":" in it'),
    "weights.bin:stream": ('"weights.bin:stream"', 'has a "\\" or ":" in it'),
    "file:///etc/passwd": ('"file:///etc/passwd"', 'has a "\\" or ":" in it'),
    "weights\0.bin": ('"weights\\x00.bin"', "has control characters"),
    "a\nb": ('"a\\nb"', "has control characters"),
    "\x1b[31m": ('"\\x1b[31m"', "has control characters"),
    "\ud800": ('"\\ud800"', "has control characters"),
    "x" * 300: ('"' + "x" * 77 + '..."', "is too long"),
    "/".join(["y" * 200] * 6): ('"' + "y" * 77 + '..."', "is too long"),
    "model.onnx": ('"model.onnx"', "is the graph file itself"),
}


@pytest.mark.parametrize("location", LOCATIONS)
def test_external_location_that_is_not_plain_is_refused(graph: Path, location: str) -> None:
    shown, rule = LOCATIONS[location]

    with pytest.raises(SourceError) as caught:
        resolve_external(graph, facts(tensor(location)))

    assert caught.value.code == "MP-E310"
    assert caught.value.where == str(graph)
    assert caught.value.message == f'tensor "w": its location {shown} {rule}{LEAVES}'


def test_external_location_that_steps_would_take_for_the_graph_is_refused(graph: Path) -> None:
    other = graph.rename(graph.with_name("other.onnx"))

    with pytest.raises(SourceError, match=r'MP-E310 .*"model.onnx" is the graph file itself'):
        resolve_external(other, facts(tensor("model.onnx")))


@pytest.mark.parametrize(
    ("first", "second"), [("A.bin", "a.bin"), ("caf\u00e9", "cafe\u0301"), ("a", "MODEL.onnx")]
)
def test_external_locations_that_are_one_file_elsewhere_are_refused(
    graph: Path, first: str, second: str
) -> None:
    with pytest.raises(SourceError, match=r"MP-E310 .* are one file on machines that ignore case"):
        resolve_external(graph, facts(tensor(first), tensor(second)))


def test_external_file_missing_is_named(graph: Path) -> None:
    with pytest.raises(SourceError) as caught:
        resolve_external(graph, facts(tensor("gone.bin")))

    assert str(caught.value) == (
        f'MP-E311 {graph}: tensor "w": its data file "gone.bin" cannot be found '
        "(No such file or directory) — fetch the data file that belongs to this graph"
    )


def test_external_folder_is_no_data_file(graph: Path) -> None:
    (graph.parent / "folder").mkdir()

    with pytest.raises(SourceError, match=r'MP-E311 .*"folder" is not a regular file'):
        resolve_external(graph, facts(tensor("folder")))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_external_pipe_is_not_waited_for(graph: Path) -> None:
    os.mkfifo(graph.parent / "pipe")

    with pytest.raises(SourceError, match=r'MP-E311 .*"pipe" is not a regular file'):
        resolve_external(graph, facts(tensor("pipe")))


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no devices here")
def test_external_link_to_a_device_is_refused(graph: Path) -> None:
    (graph.parent / "zero").symlink_to("/dev/zero")

    with pytest.raises(SourceError, match=r'MP-E311 .*"zero" is not a regular file'):
        resolve_external(graph, facts(tensor("zero")))


def test_external_link_loop_is_refused(graph: Path) -> None:
    (graph.parent / "loop").symlink_to("loop")

    with pytest.raises(SourceError, match=r'MP-E311 .*"loop" cannot be found'):
        resolve_external(graph, facts(tensor("loop")))


@pytest.mark.parametrize("location", ["link.bin", "folder/secret.bin"])
def test_external_link_that_leaves_the_folder_is_refused(graph: Path, location: str) -> None:
    (graph.parent / "link.bin").symlink_to("../secret.bin")
    (graph.parent / "folder").symlink_to("..")

    with pytest.raises(SourceError, match=r"MP-E311 .* is a link that leaves the model's folder"):
        resolve_external(graph, facts(tensor(location)))


def test_external_link_inside_the_folder_is_followed(graph: Path) -> None:
    (graph.parent / "link.bin").symlink_to("weights.bin")

    assert resolve_external(graph, facts(tensor("link.bin"))) == (graph.parent / "link.bin",)


def test_external_links_of_a_hugging_face_cache_are_followed(tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots/1/onnx"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    (blobs / "aa").write_bytes(b"graph")
    (blobs / "bb").write_bytes(bytes(8))
    (snapshot / "model.onnx").symlink_to("../../../blobs/aa")
    (snapshot / "model.onnx_data").symlink_to("../../../blobs/bb")

    found = resolve_external(snapshot / "model.onnx", facts(tensor("model.onnx_data")))

    assert found == (snapshot / "model.onnx_data",)


def test_external_hard_link_is_fine(graph: Path) -> None:
    os.link(graph.parent / "weights.bin", graph.parent / "hard.bin")

    assert resolve_external(graph, facts(tensor("hard.bin"))) == (graph.parent / "hard.bin",)


@pytest.mark.parametrize(("offset", "end"), [(9, 17), (16, 24), (1 << 60, (1 << 60) + 8)])
def test_external_extent_past_the_end_is_refused(graph: Path, offset: int, end: int) -> None:
    with pytest.raises(SourceError) as caught:
        resolve_external(
            graph, facts(tensor("weights.bin"), tensor("weights.bin", offset, name="v"))
        )

    assert str(caught.value) == (
        f'MP-E312 {graph}: tensor "v" ends at byte {end} of "weights.bin", which has 16 '
        "— fetch the data file that belongs to this graph"
    )


def test_external_extent_to_the_last_byte_is_fine(graph: Path) -> None:
    resolve_external(graph, facts(tensor("weights.bin", 8)))


def test_external_sparse_file_far_larger_than_its_tensors_is_refused(graph: Path) -> None:
    with (graph.parent / "sparse.bin").open("wb") as stream:
        stream.truncate(1 << 40)

    with pytest.raises(
        SourceError, match=r'MP-E312 .*"sparse.bin" has 1100 GB, of which tensors use 8 B'
    ):
        resolve_external(graph, facts(tensor("sparse.bin")))


def test_external_checksum_that_holds_passes(graph: Path) -> None:
    checksum = hashlib.sha1(bytes(16), usedforsecurity=False).hexdigest()

    resolve_external(graph, facts(tensor("weights.bin", checksum=checksum)))


def test_external_checksum_that_does_not_hold_is_refused(graph: Path) -> None:
    with pytest.raises(SourceError) as caught:
        resolve_external(graph, facts(tensor("weights.bin", checksum="00")))

    assert caught.value.code == "MP-E312"
    assert caught.value.message == (
        'tensor "w": the SHA-1 of "weights.bin" is not the one in the graph'
    )
