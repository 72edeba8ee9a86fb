from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.report.places import relative_text, source_text
from modelpack.spec.sources import FileSource, NpmSource, PythonSource, Source

ROOT = Path("/project")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (FileSource(ROOT / "models" / "a.onnx"), "models/a.onnx"),
        (FileSource(ROOT.parent / "shared" / "a.onnx"), "../shared/a.onnx"),
        (NpmSource("@acme/models", "a.onnx", Path("/project")), "npm:@acme/models/a.onnx"),
        (PythonSource("silero_vad", "data/vad.onnx"), "py:silero_vad/data/vad.onnx"),
    ],
)
def test_source_text_reads_as_the_configuration_writes_it(source: Source, text: str) -> None:
    assert source_text(source, ROOT) == text


def test_relative_text_of_the_root_is_a_dot() -> None:
    assert relative_text(ROOT, ROOT) == "."
