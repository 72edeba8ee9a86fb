"""The browser that variants are tried in: started once, when the first of them needs it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Final

import msgspec

from modelpack.bench.browsers import started
from modelpack.bench.driver import Driver
from modelpack.bench.places import PAGE
from modelpack.bench.trial.abilities import Abilities, Told, recall_abilities, remember_abilities
from modelpack.bench.trial.handover import Answer, Judging, Preparation, Prepared
from modelpack.bench.trial.place import Place, check_browser
from modelpack.bench.trial.subject import Subject
from modelpack.bench.working import worked
from modelpack.engine.worker import Call
from modelpack.engine.workers import Workers
from modelpack.errors import BenchError
from modelpack.store.store import Store

_WORK_S: Final = 1800.0
_PAGE_S: Final = 300.0  # SwiftShader on a busy machine; a variant that takes longer is not tried
# As the loader has it; before 1.24 the package itself had WebGPU in the build with JSEP, under the same name.
_MODULES: Final = {
    "wasm": "ort.wasm.min.mjs",
    "webgpu": "ort.webgpu.min.mjs",
    "webnn": "ort.webgpu.min.mjs",
}
_NO_RUNTIME: Final = "no available backend found"
_READY: Final = """() => new Promise((resolve, reject) => {
  const look = () => (globalThis.trial ? resolve() : setTimeout(look, 20));
  setTimeout(() => reject(new Error("the page did not load")), 60_000);
  look();
})"""


class Lab:
    """A place where variants are tried. Closing `stack` closes the browser, if one was started."""

    def __init__(self, place: Place, store: Store, workers: Workers, stack: ExitStack) -> None:
        self.place = place
        self._store = store
        self._workers = workers
        self._stack = stack
        self._driver: Driver | None = None

    def abilities(self) -> Abilities:
        """What the browser can run. Raises: BenchError MP-E802 if it does not start."""
        known = recall_abilities(self._store, self.place.identity)
        if known is not None:
            return known
        from modelpack.bench.site import Folders, open_site  # noqa: PLC0415 (http.server; 30 ms)

        driver, nowhere = self._started(), Path()
        with open_site(Folders({"bench": PAGE}, nowhere, nowhere)) as origin:
            found = _asked(driver, origin, "() => trial.abilities()")
        told = msgspec.convert(found, Told)
        known = Abilities(driver.version, told.adapter, told.webnn)
        remember_abilities(self._store, self.place.identity, known)
        return known

    def run(self, subject: Subject, browser: str) -> tuple[str, ...]:
        """What is to be said of the variant, which runs as it should.

        Raises: CompatibilityError MP-E454 if it does not; BenchError, StepError where that cannot be known.
        """
        with self._store.scratch.folder() as folder:
            for name in ("models", "samples", "expected", "outputs"):
                (folder / name).mkdir()
            graph = subject.lay_out(self._store, folder / "models")
            prepared = self._prepared(subject, graph, folder)
            answer = self._answer(subject, prepared, folder)
            judging = Judging(
                subject.target,
                graph,
                subject.variant.device,
                self.place.runtime.version,
                browser,
                subject.variant.accepted_fallbacks,
                answer,
                prepared.samples,
                folder / "expected",
                folder / "outputs",
            )
            return worked(self._work("judging", "judge_trial", judging, subject), tuple)

    def _prepared(self, subject: Subject, graph: Path, folder: Path) -> Prepared:
        judge = None
        if subject.judge is not None:
            judge = folder / "judge.npz"
            self._store.blobs.materialise(subject.judge.digest, judge)
        preparation = Preparation(
            graph,
            subject.state,
            subject.model.free_dimensions,
            judge,
            folder / "samples",
            folder / "expected",
        )
        return worked(self._work("preparing", "prepare_trial", preparation, subject), Prepared)

    def _work(self, module: str, function: str, argument: object, subject: Subject) -> object:
        call = Call(
            f"modelpack.bench.trial.{module}", function, argument, f"browser:{subject.target}"
        )
        return self._workers.run(call, _WORK_S)

    def _answer(self, subject: Subject, prepared: Prepared, folder: Path) -> Answer:
        from modelpack.bench.site import Folders, open_site  # noqa: PLC0415 (http.server; 30 ms)

        graph, *data = (file.name for file in subject.files)
        request = {
            "module": _MODULES[subject.variant.device],
            "device": subject.variant.device,
            "graph": graph,
            "data": data,
            "samples": prepared.samples,
            "carried": msgspec.to_builtins(prepared.carried),
            "limitMs": _PAGE_S * 1000,
        }
        served = {"bench": PAGE, "ort": self.place.runtime.folder, "models": folder / "models"}
        with open_site(Folders(served, folder / "samples", folder / "outputs")) as origin:
            found = _asked(self._started(), origin, "request => trial.tryOut(request)", request)
        return _checked(msgspec.convert(found, Answer))

    def _started(self) -> Driver:
        if self._driver is None:
            self._driver = self._stack.enter_context(started(check_browser(self.place)))
        return self._driver


def _asked(driver: Driver, origin: str, function: str, argument: object = None) -> object:
    with driver.page(f"{origin}/bench/trial.html", 1.0) as page:
        page.evaluate(_READY)
        return page.evaluate(function, argument)


def _checked(answer: Answer) -> Answer:
    """The answer, if it says something of the variant. Raises: BenchError MP-E804 if it does not."""
    match answer.stage:
        case "late":
            raise _unknown(f"it did not end in {_PAGE_S:.0f} s")
        case "page":
            raise _unknown(f"the page failed: {answer.message}")
        case "session" if _NO_RUNTIME in answer.message:
            raise _unknown(f"onnxruntime-web did not start: {answer.message}")
    return answer


def _unknown(found: str) -> BenchError:
    return BenchError("MP-E804", found, remedy="build again when the machine is less busy")
