from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from modelpack.engine.packing import evaluation_of, packed_chunks
from modelpack.publish.pack import PackedChunk, PackedForm
from modelpack.record import Evaluation, MetricValue, Output, StepResult, TaskResult
from modelpack.spec.project import Model
from modelpack.store.store import Store
from tests.support.projects import make_project


@pytest.fixture
def words(tmp_path: Path) -> Model:
    return make_project(tmp_path / "project", "pair").declared().models[0]


def once(*outputs: Output) -> TaskResult:
    return TaskResult((("", StepResult(outputs)),))


def chunk(digest: str, size_bytes: int = 100) -> Output:
    return Output("chunk", f"{digest}.bin", digest, size_bytes)


def compressed(digest: str, *forms: Output) -> tuple[str, StepResult]:
    return digest, StepResult(forms)


def test_packed_chunks_have_the_forms_of_their_compression(words: Model) -> None:
    zstd, gzip = Output("zstd", "z", "zz", 60), Output("gzip", "g", "gg", 70)
    results = {
        "split:words@q8": once(chunk("aa"), chunk("bb")),
        "compress:words@q8": TaskResult((compressed("aa", zstd, gzip), compressed("bb"))),
    }
    assert packed_chunks(words, results) == {
        "aa": PackedChunk("aa", 100, (PackedForm("gzip", "gg", 70), PackedForm("zstd", "zz", 60))),
        "bb": PackedChunk("bb", 100, ()),
    }


def test_packed_chunks_without_compression_have_no_forms(words: Model) -> None:
    assert packed_chunks(words, {"split:words@q8": once(chunk("aa"))}) == {
        "aa": PackedChunk("aa", 100, ())
    }


def test_packed_chunk_of_two_variants_has_the_forms_of_both(words: Model) -> None:
    gzip, brotli = Output("gzip", "g", "gg", 70), Output("br", "b", "rr", 50)
    results = {
        "split:words@q8": once(chunk("aa")),
        "compress:words@q8": TaskResult((compressed("aa", gzip, brotli),)),
        "split:words@fp32": once(chunk("aa")),
        "compress:words@fp32": TaskResult((compressed("aa", gzip),)),
    }
    (packed,) = packed_chunks(words, results).values()
    assert [form.form for form in packed.forms] == ["gzip", "br"]


def test_packed_chunks_of_assets_are_there_too(words: Model) -> None:
    results = {"assets:words": once(chunk("cc", 7))}
    assert packed_chunks(words, results) == {"cc": PackedChunk("cc", 7, ())}


def test_evaluation_of_a_variant_is_what_the_step_found(store: Store) -> None:
    evaluation = Evaluation(40, (MetricValue("cosine", 0.99, 3, 0.9),))
    digest = store.blobs.put_bytes(msgspec.json.encode(evaluation))
    results = {"evaluate:words@q8": once(Output("evaluation", "evaluation.json", digest, 1))}
    assert evaluation_of("words@q8", results, store) == evaluation
    assert evaluation_of("words@fp32", results, store) is None
