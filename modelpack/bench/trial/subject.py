"""A variant that was built and is not published yet, as a trial needs it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from modelpack.digest import digest_json
from modelpack.engine.code import folder_digests
from modelpack.engine.machine import tool_versions
from modelpack.engine.packing import carried_state
from modelpack.keys import InputDigest, KeyPreimage
from modelpack.plan import variant_target
from modelpack.planned import CompatibilityParams
from modelpack.record import Output, TaskResult
from modelpack.spec.golden import StatePair
from modelpack.spec.project import Model
from modelpack.spec.variants import Variant
from modelpack.store.store import Store


class Subject(Struct, frozen=True):
    """The variant's files, its graph first, and the golden set's judge samples, where it has one."""

    model: Model
    variant: Variant
    state: tuple[StatePair, ...]
    files: tuple[Output, ...]
    judge: Output | None

    @property
    def target(self) -> str:
        """Its name, `minilm@q8`."""
        return variant_target(self.model, self.variant)

    def preimage(self, browser: str, release: str) -> KeyPreimage:
        """Everything that the trial's verdict follows from."""
        files = [InputDigest("model", file.name, file.digest) for file in self.files]
        if self.judge is not None:
            files.append(InputDigest("judge", "", self.judge.digest))
        feeding = digest_json([self.state, self.model.free_dimensions])
        return KeyPreimage(
            kind="trial",
            params=CompatibilityParams(
                self.variant.device, release, self.variant.accepted_fallbacks
            ),
            code=folder_digests("bench/trial", "bench/page", "graph", "spec"),
            tools=tool_versions("evaluate"),
            inputs=(*files, InputDigest("feeding", "", feeding)),
            platform=browser,
        )

    def lay_out(self, store: Store, folder: Path) -> Path:
        """The graph in `folder`, its data files beside it. Raises: StoreError MP-E701."""
        for file in self.files:
            destination = folder / file.name
            destination.parent.mkdir(parents=True, exist_ok=True)
            store.blobs.materialise(file.digest, destination)
        return folder / self.files[0].name


def subject_of(
    model: Model, variant: Variant, results: Mapping[str, TaskResult], store: Store
) -> Subject:
    """The variant as the steps left it."""
    quantized = results[f"quantize:{variant_target(model, variant)}"]
    (graph,) = quantized.with_role("graph")
    others = tuple(file for file in quantized.with_role("model") if file.name != graph.name)
    golden = results.get(f"golden:{model.id}") if model.golden else None
    judge = golden.with_role("judge")[0] if golden else None
    return Subject(model, variant, carried_state(model, results, store), (graph, *others), judge)
