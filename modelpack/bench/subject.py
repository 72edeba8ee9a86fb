"""A published variant, laid out for measuring: put together from its chunks, with the inputs it is measured on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec import UNSET, Struct

from modelpack.bench.preparing import Preparation, Prepared
from modelpack.bench.working import worked
from modelpack.engine.inputs import Inputs
from modelpack.engine.laying_out import lay_out
from modelpack.engine.measuring import GoldenDigests
from modelpack.engine.survey import known_results
from modelpack.engine.worker import Call
from modelpack.engine.workers import Workers
from modelpack.errors import BenchError
from modelpack.plan import make_plan, variant_target
from modelpack.planned import EvaluateParams, Plan
from modelpack.publish.check import assemble
from modelpack.publish.wire import Manifest, ManifestVariant
from modelpack.record import TaskResult
from modelpack.spec.project import Model, Project
from modelpack.spec.variants import Variant
from modelpack.steps.contract import StepInput
from modelpack.store.store import Store

_TIMEOUT_S: Final = 600.0


class Subject(Struct, frozen=True):
    """A variant to measure. `features` are those that a WebGPU adapter must have for it.

    `step` has what its golden set is judged by; without a golden set there is none.
    """

    model: Model
    variant: Variant
    digest: str
    features: tuple[str, ...]
    graph: Path
    samples: Path
    prepared: Prepared
    golden: str
    step: StepInput[EvaluateParams] | None

    @property
    def target(self) -> str:
        """Its name, `minilm@q8`."""
        return variant_target(self.model, self.variant)


class Bench(Struct, frozen=True):
    """What subjects are made from: the project, what is published of it, and what the cache knows."""

    project: Project
    manifest: Manifest
    store: Store
    workers: Workers
    plan: Plan
    results: Mapping[str, TaskResult]

    @contextmanager
    def subject(self, model: Model, variant: Variant) -> Iterator[Subject]:
        """The variant in a scratch folder, while the block runs.

        Raises: BenchError MP-E804 if it is not published, or its golden set is not as it was built.
        """
        published = self._published(model, variant)
        with self.store.scratch.folder() as folder:
            for name in ("graph", "samples", "in"):
                (folder / name).mkdir()
            project_folder = self.project.output.path
            graph = assemble(project_folder, self.manifest, published, folder / "graph")
            step = self._evaluation(model, variant, folder / "in") if model.golden else None
            prepared = self._prepare(model, published, folder, step)
            golden = GoldenDigests(self.plan, Inputs(self.store)).of(model, variant) if step else ""
            needs = published.requires.webgpu
            yield Subject(
                model=model,
                variant=variant,
                digest=published.digest,
                features=() if needs is UNSET else needs.features,
                graph=graph,
                samples=folder / "samples",
                prepared=prepared,
                golden=golden,
                step=step,
            )

    def _published(self, model: Model, variant: Variant) -> ManifestVariant:
        known = self.manifest.models.get(model.id)
        for published in known.variants if known else ():
            if published.id == variant.id:
                return published
        raise _not_built(variant_target(model, variant), "is not published")

    def _evaluation(
        self, model: Model, variant: Variant, folder: Path
    ) -> StepInput[EvaluateParams]:
        target = variant_target(model, variant)
        (step,) = (one for one in self.plan.steps if one.name == f"evaluate:{target}")
        if any(name not in self.results for name in (f"golden:{model.id}", step.name)):
            raise _not_built(target, "is not evaluated as it is configured now")
        found = lay_out(step, self.results, self.store, folder)
        if not isinstance(found.params, EvaluateParams):
            raise TypeError(step.name)
        return StepInput(found.params, found.files, found.folder)

    def _prepare(
        self,
        model: Model,
        published: ManifestVariant,
        folder: Path,
        step: StepInput[EvaluateParams] | None,
    ) -> Prepared:
        inputs = published.inputs
        values = self.manifest.models[model.id].inputs if inputs is UNSET else inputs
        preparation = Preparation(
            folder / "graph" / "model.onnx",
            tuple(value.name for value in values),
            model.state,
            model.free_dimensions,
            step.one("judge") if step else None,
            folder / "samples",
        )
        call = Call("modelpack.bench.preparing", "prepare_samples", preparation, model.id)
        return worked(self.workers.run(call, _TIMEOUT_S), Prepared)


def open_bench(project: Project, manifest: Manifest, store: Store, workers: Workers) -> Bench:
    """A bench for the project's variants. Raises: SourceError if a source is not what it should be."""
    plan = make_plan(project, "production")
    return Bench(project, manifest, store, workers, plan, known_results(plan, store))


def _not_built(target: str, found: str) -> BenchError:
    return BenchError("MP-E804", found, where=target, remedy=f"run `modelpack build {target}`")
