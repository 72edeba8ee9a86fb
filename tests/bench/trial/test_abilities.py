from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from modelpack.bench.trial.abilities import (
    Abilities,
    browser_text,
    check_abilities,
    recall_abilities,
    remember_abilities,
)
from modelpack.bench.visit import Adapter
from modelpack.errors import BenchError
from modelpack.spec.variants import Device, Dtype, Variant
from modelpack.store.store import Store, open_store

PLAIN = Abilities("156.0", None, webnn=False)
WITH_GPU = Abilities("156.0", Adapter("acme gpu", frozenset({"timestamp-query"})), webnn=True)


def variant(dtype: Dtype, device: Device) -> Variant:
    return Variant("v", dtype, device, (), 32, ())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "cache", "modelpack.toml") as opened:
        yield opened


@pytest.mark.parametrize(
    ("dtype", "device", "abilities", "found"),
    [
        (
            "fp32",
            "webgpu",
            PLAIN,
            "chromium 156.0 has no WebGPU adapter here (`browser = true` emulates one)",
        ),
        (
            "fp16",
            "webgpu",
            WITH_GPU,
            "the WebGPU adapter of chromium 156.0 (acme gpu) lacks shader-f16",
        ),
        ("fp16", "webnn", PLAIN, "chromium 156.0 has no WebNN here"),
    ],
)
def test_browser_that_lacks_the_device_says_what(
    dtype: Dtype, device: Device, abilities: Abilities, found: str
) -> None:
    with pytest.raises(BenchError) as caught:
        check_abilities(variant(dtype, device), abilities, "chromium")
    assert (caught.value.code, caught.value.message) == ("MP-E804", found)


def test_browser_that_has_the_device_passes() -> None:
    check_abilities(variant("q8", "wasm"), PLAIN, "chromium")
    check_abilities(variant("fp32", "webgpu"), WITH_GPU, "chromium")
    check_abilities(variant("fp16", "webnn"), WITH_GPU, "chromium")


def test_browser_text_names_the_adapter_where_it_is_the_device() -> None:
    assert browser_text(variant("fp32", "webgpu"), WITH_GPU, "edge") == "edge 156.0, acme gpu"
    assert browser_text(variant("fp32", "wasm"), WITH_GPU, "edge") == "edge 156.0"


def test_abilities_are_remembered_by_identity(store: Store) -> None:
    assert recall_abilities(store, "one") is None
    remember_abilities(store, "one", WITH_GPU)
    remember_abilities(store, "other", PLAIN)
    assert recall_abilities(store, "one") == WITH_GPU
    assert recall_abilities(store, "a third") is None


def test_abilities_of_only_eight_browsers_are_kept(store: Store) -> None:
    for number in range(9):
        remember_abilities(store, str(number), replace(PLAIN, version=str(number)))
    assert recall_abilities(store, "0") is None
    assert recall_abilities(store, "8") == replace(PLAIN, version="8")
