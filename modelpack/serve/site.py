"""The development server's content: what is published, the page, and the state that the page shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from modelpack.engine.workers import Workers
from modelpack.errors import ModelpackError
from modelpack.record import BuildReport
from modelpack.serve.app import EVENTS
from modelpack.serve.news import News
from modelpack.serve.parts import Parts
from modelpack.serve.samples import Samples
from modelpack.serve.table import (
    MODELS,
    Resource,
    Table,
    files_table,
    json_resource,
    published_table,
)
from modelpack.spec.project import Mode, Project
from modelpack.store.store import Store
from modelpack.watched import BuildBegan, BuildEnded, WatchEvent, WatchTrouble

KEPT_GENERATIONS: Final = 3  # pages that were loaded a few builds ago go on to work
_SAMPLES: Final = "/samples/"
_SESSION: Final = "/session.json"
_MANIFEST: Final = "manifest.json"


class State(Struct, frozen=True, rename="camel"):
    """What the page shows beside the manifest. `samples` has an address for each model that has a golden set."""

    project: str
    status: Literal["starting", "building", "ready", "failed"]
    manifest: str = ""
    sha256: str = ""
    error: str = ""
    has_runtime: bool = False
    samples: dict[str, str] = {}
    report: BuildReport | None = None


class Session(Struct, frozen=True, rename="camel"):
    """What the page needs before anything else: where events are, and the token that opens them."""

    events: str
    token: str


class Site:
    """Hears of builds, and keeps the table and the state as they are after each."""

    def __init__(self, config: Path, parts: Parts, news: News, token: str) -> None:
        self._news = news
        self._samples = Samples()
        self._output: Path | None = None
        self._state = State(config.parent.name, "starting", has_runtime=parts.runtime is not None)
        session = Session(EVENTS, token)
        self._fixed: Table = {**_page(parts), _SESSION: json_resource(msgspec.json.encode(session))}
        self._current: Table = self._fixed

    def table(self) -> Table:
        """Everything that has an address now."""
        return self._current

    def adopt(self, project: Project) -> Project:
        """The project as it is built here: more generations stay."""
        self._output = project.output.path
        keep = max(project.output.keep_generations, KEPT_GENERATIONS)
        return replace(project, output=replace(project.output, keep_generations=keep))

    def prepare(
        self, mode: Mode, say: Callable[[str], None]
    ) -> Callable[[Project, Store, Workers], None]:
        """What is to be done after a build, while its cache is open: read the golden samples."""

        def read(project: Project, store: Store, workers: Workers) -> None:
            try:
                self._samples.refresh(project, mode, store, workers)
            except ModelpackError as err:
                say(f"the page has no golden samples ({err.message})")

        return read

    def hear(self, event: WatchEvent) -> None:
        """Takes in what the watch tells."""
        before = self._state
        match event:
            case BuildBegan():
                self._become(replace(before, status="building"))
            case WatchTrouble(error):
                self._become(replace(before, status="failed", error=error))
            case BuildEnded(report):
                self._refresh(report)
            case _:
                return
        if self._state.sha256 != before.sha256:
            self._news.tell("reload", msgspec.json.encode(self._state.sha256), keep=False)

    def _refresh(self, report: BuildReport) -> None:
        published = published_table(self._output) if self._output else {}
        contents = self._samples.contents
        samples = {f"{_SAMPLES}{model}.json": content for model, content in contents.items()}
        resources = {url: json_resource(content) for url, content in samples.items()}
        self._current = {**self._fixed, **published, **resources}
        manifest = published.get(MODELS + _MANIFEST)
        is_good = report.status in {"built", "unchanged"}
        self._become(
            replace(
                self._state,
                status="ready" if is_good else "failed",
                manifest=MODELS + _MANIFEST if manifest else "",
                sha256=manifest.etag.strip('"') if manifest else "",
                error=report.errors[0] if report.errors else "",
                samples={model: f"{_SAMPLES}{model}.json" for model in contents},
                report=report,
            )
        )

    def _become(self, state: State) -> None:
        self._state = state
        self._news.tell("state", msgspec.json.encode(state))


def _page(parts: Parts) -> dict[str, Resource]:
    table = files_table("/", parts.page) if parts.page else {}
    if "/index.html" in table:
        table["/"] = table.pop("/index.html")
    table.update(files_table("/loader/", parts.loader) if parts.loader else {})
    if parts.runtime:
        runtime = files_table("/runtime/", parts.runtime)
        table.update(
            {url: found for url, found in runtime.items() if url.endswith((".mjs", ".wasm"))}
        )
    return table
