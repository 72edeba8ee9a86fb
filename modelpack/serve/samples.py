"""The golden samples of each model, for the page to run: read by a worker, anew only when they changed."""

from __future__ import annotations

from msgspec import Struct

from modelpack.engine.survey import known_results
from modelpack.engine.worker import Call
from modelpack.engine.workers import Workers
from modelpack.plan import make_plan
from modelpack.spec.project import Mode, Project
from modelpack.store.store import Store

_TIMEOUT_S = 120.0


class _Known(Struct, frozen=True):
    digest: str
    content: bytes


class Samples:
    """What was read so far. `contents` has JSON by model."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    @property
    def contents(self) -> dict[str, bytes]:
        """The JSON of each model that has samples."""
        return {model: known.content for model, known in self._known.items()}

    def refresh(self, project: Project, mode: Mode, store: Store, workers: Workers) -> None:
        """Reads what the cache has of the project's golden sets. Raises: ModelpackError."""
        if not any(model.golden for model in project.models):
            self._known = {}
            return
        results = known_results(make_plan(project, mode), store)
        known = {}
        for model in project.models:
            result = results.get(f"golden:{model.id}")
            if result is not None:
                (judge,) = result.with_role("judge")
                known[model.id] = self._read(model.id, judge.digest, store, workers)
        self._known = known

    def _read(self, model: str, digest: str, store: Store, workers: Workers) -> _Known:
        known = self._known.get(model)
        if known is not None and known.digest == digest:
            return known
        with store.scratch.folder() as folder:
            path = folder / "judge.npz"
            store.blobs.materialise(digest, path)
            call = Call("modelpack.graph.golden.shown", "shown_samples", path, f"samples:{model}")
            content = workers.run(call, _TIMEOUT_S)
        return _Known(digest, content if isinstance(content, bytes) else b"[]")
