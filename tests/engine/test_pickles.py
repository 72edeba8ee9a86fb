from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.engine.pickles import check_pickles
from modelpack.errors import SourceError
from modelpack.spec.sources import CheckpointSource, FileSource

A, B = "a" * 64, "b" * 64
# printf '%s  %s\n' aaa… pytorch_model-1-of-2.bin bbb… pytorch_model-2-of-2.bin | sha256sum
BOTH = "d14ecc79e6f42e19724eeb99e712bb95e91e92213127c05db0d2244faf246329"
SHARDS = ("pytorch_model-1-of-2.bin", "pytorch_model-2-of-2.bin")


def checkpoint(pinned: str | None, *files: str) -> CheckpointSource:
    return CheckpointSource(
        FileSource(Path("bert")), Path("bert"), ("config.json", *files), pickle_sha256=pinned
    )


def test_check_pickles_takes_the_one_that_is_pinned() -> None:
    check_pickles(checkpoint(A, "pytorch_model.bin"), {"pytorch_model.bin": A})


def test_check_pickles_refuses_another_one_with_its_digest() -> None:
    with pytest.raises(SourceError, match=f"MP-E241 .*SHA-256 is {B}; expected {A}"):
        check_pickles(checkpoint(A, "pytorch_model.bin"), {"pytorch_model.bin": B})


def test_check_pickles_takes_shards_by_what_a_shell_prints() -> None:
    index = "pytorch_model.bin.index.json"
    digests = dict(zip(SHARDS, (A, B), strict=True))
    check_pickles(checkpoint(BOTH, index, *SHARDS), digests)
    with pytest.raises(SourceError, match=f"the SHA-256 of all shards is {BOTH}; expected {A}"):
        check_pickles(checkpoint(A, index, *SHARDS), digests)


def test_check_pickles_of_a_checkpoint_without_one_is_nothing() -> None:
    check_pickles(checkpoint(None, "model.safetensors"), {})
