"""One build, from project to published files: run the plan, judge, publish, say what happened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from modelpack.engine.admission import Admission
from modelpack.engine.completion import complete_pack
from modelpack.engine.figures import read_baseline
from modelpack.engine.inputs import SourceChangedError
from modelpack.engine.machine import usable_memory_bytes
from modelpack.engine.measuring import write_stats
from modelpack.engine.packing import (
    evaluation_of,
    fallbacks_of,
    pack_model,
    pack_runtime,
    packed_chunks,
    runtime_chunks,
)
from modelpack.engine.publishing import Publication, check_frozen, check_output, publish_pack
from modelpack.engine.reporting import BuiltVariant, built_variants, report_on, verdicts_on
from modelpack.engine.runner import Listener, Runner
from modelpack.engine.schedule import run_plan
from modelpack.engine.trials import Trials, Tried, no_trials
from modelpack.engine.workers import Workers
from modelpack.errors import FrozenError, InternalError, ModelpackError, StoreError
from modelpack.judge.budgets import exit_code
from modelpack.origin import export_step, exported_role
from modelpack.plan import make_plan, variant_target
from modelpack.planned import Plan
from modelpack.publish.folder import MANIFEST_FILE
from modelpack.publish.hosts import FILE_LIMIT_BYTES
from modelpack.publish.manifest import encode_manifest, make_manifest
from modelpack.publish.pack import Pack
from modelpack.record import BuildReport, BuildStatus, VariantReport, Verdict
from modelpack.spec.project import Mode, Model, Project
from modelpack.spec.sources import ExportedSource, HubSource, UrlSource
from modelpack.store.store import Store

_LOST = "MP-E701"
_STATUS: dict[int, BuildStatus] = {3: "over-budget", 4: "inaccurate", 5: "out-of-date"}


class Request(Struct, frozen=True):
    """What is asked for. `project` holds what was selected, `whole` everything that is configured."""

    project: Project
    whole: Project
    mode: Mode = "production"
    force: bool = False
    frozen: bool = False
    keep_going: bool = False
    jobs: int = 1
    on_wait: Callable[[str], None] = print
    trials: Trials = no_trials


class Outcome(Struct, frozen=True):
    """How a build ended. `read` are the digests of the files it read, `written` what is published: for the fast path.

    `fallbacks` are the operators that each variant leaves to wasm, as its configuration accepts.
    """

    report: BuildReport
    exit_code: int
    errors: tuple[ModelpackError, ...]
    read: Mapping[Path, str]
    written: tuple[Path, ...]
    absent: tuple[Path, ...]
    fallbacks: Mapping[str, frozenset[str]]


class _Built(Struct, frozen=True):
    """What the steps gave, judged: models with all their variants, or no pack where there is nothing to publish."""

    pack: Pack | None
    variants: tuple[BuiltVariant, ...]
    verdicts: tuple[Verdict, ...]


_NOTHING = _Built(None, (), ())


def build_project(request: Request, store: Store, workers: Workers, listen: Listener) -> Outcome:
    """Builds what the request names and publishes it if every limit marked `error` holds.

    Begins again whenever a blob turns out to be lost: it has been set aside, so that the step that made it runs.
    Raises: StoreError MP-E702 if the output folder cannot be written, before any work.
    """
    if not request.frozen:
        check_output(request.project.output)
    lost: set[str] = set()
    while True:
        try:
            outcome = _build(request, store, workers, listen)
            found = next((str(err) for err in outcome.errors if err.code == _LOST), "")
            if not found or found in lost:
                return outcome
        except StoreError as err:
            found = str(err)
            if err.code != _LOST or found in lost:
                raise
        lost.add(found)


def _build(request: Request, store: Store, workers: Workers, listen: Listener) -> Outcome:
    began_s = time.monotonic()
    plan = make_plan(request.project, request.mode)
    admission = Admission(request.jobs, usable_memory_bytes())
    runner = _run(plan, request, lambda: Runner(store, workers, admission, listen))
    store.stat_cache.save()
    complete = tuple(model for model in request.project.models if _is_complete(model, plan, runner))
    errors = _failures(request, complete, runner)
    tried = Tried()
    if complete and (request.keep_going or not errors):
        tried = request.trials(complete, runner.results)
        errors = (*errors, *tried.errors)
        complete = tuple(model for model in complete if model.id not in tried.failed)
    built = _NOTHING
    if complete and (request.keep_going or not errors):
        built = _pack_and_judge(request, complete, runner, store)
    publication = None
    try:
        if built.pack is not None and not any(_breaks(verdict) for verdict in built.verdicts):
            publication = _publish(request, built.pack, store)
    except FrozenError as err:
        errors = (*errors, err)
    code = exit_code(built.verdicts, errors)
    report = BuildReport(
        status="failed" if errors and code == 4 else _status(code, runner, publication),
        manifest=_manifest_name(request.project) if publication else "",
        manifest_sha256=publication.digest if publication else "",
        variants=tuple(_row(one, plan, runner, tried) for one in built.variants),
        verdicts=built.verdicts,
        errors=tuple(str(err) for err in errors),
        seconds=time.monotonic() - began_s,
        mode=request.mode,
        host=request.project.output.host,
        file_limit_bytes=FILE_LIMIT_BYTES[request.project.output.host],
    )
    beside: tuple[Path, ...] = ()
    if publication and not request.frozen:
        _write_stats(request, built, plan, runner)
        beside = (request.project.baseline, request.project.stats)
    return Outcome(
        report,
        code,
        errors,
        runner.inputs.read_digests(),
        (*(publication.files if publication else ()), *filter(Path.exists, beside), *tried.read),
        (*sorted(runner.inputs.absent), *(p for p in beside if not p.exists()), *tried.absent),
        _fallbacks(built.variants),
    )


def _fallbacks(variants: Iterable[BuiltVariant]) -> Mapping[str, frozenset[str]]:
    """Of a model in parts, those of all."""
    found: dict[str, frozenset[str]] = {}
    for one in variants:
        operators = {node.operator for node in one.fallbacks}
        found[one.variant.id] = found.get(one.variant.id, frozenset()) | operators
    return found


def _run(plan: Plan, request: Request, make_runner: Callable[[], Runner]) -> Runner:
    """The runner with results and failures. Starts over once if a source changed meanwhile."""
    runner = _run_once(plan, request, make_runner())
    if any(isinstance(err, SourceChangedError) for err in runner.failures.values()):
        runner = _run_once(plan, request, make_runner())
    return runner


def _run_once(plan: Plan, request: Request, runner: Runner) -> Runner:
    run_plan(
        plan,
        lambda step: runner.is_current(step, forced=request.force),
        lambda step: runner.execute(step, forced=request.force),
        threads=request.jobs + 2,  # some only wait for the chunks of a mapped step
        keep_going=request.keep_going,
    )
    return runner


def _is_complete(model: Model, plan: Plan, runner: Runner) -> bool:
    targets = {model.id, *(variant_target(model, variant) for variant in model.variants)}
    return all(step.name in runner.results for step in plan.steps if step.target in targets)


def _failures(
    request: Request, complete: tuple[Model, ...], runner: Runner
) -> tuple[ModelpackError, ...]:
    if not runner.failures and len(complete) < len(request.project.models):
        raise InternalError("MP-E900", "steps were left out without an error", remedy="report it")
    return tuple(runner.failures.values())


def _pack_and_judge(
    request: Request, models: tuple[Model, ...], runner: Runner, store: Store
) -> _Built:
    packed = {model.id: pack_model(model, runner.results, store, runner.inputs) for model in models}
    chunks = {
        digest: chunk
        for model in models
        for digest, chunk in packed_chunks(model, runner.results).items()
    }
    chunks |= runtime_chunks(runner.results)
    pack = Pack(
        tuple(packed.values()),
        tuple(chunks.values()),
        request.project.output.host,
        pack_runtime(request.project.runtime, runner.results, store),
    )
    if models != request.whole.models:
        pack = complete_pack(pack, request.whole)
    targets = [variant_target(model, variant) for model in models for variant in model.variants]
    evaluations = {target: evaluation_of(target, runner.results, store) for target in targets}
    manifest = make_manifest(pack)
    variants = tuple(
        _with_fallbacks(one, runner, store)
        for one in built_variants(models, packed, manifest, evaluations)
    )
    baseline = read_baseline(request.project.baseline)
    manifest_bytes = len(encode_manifest(manifest))
    verdicts = (v for one in variants for v in verdicts_on(one, baseline, manifest_bytes))
    return _Built(pack, variants, tuple(verdicts))


def _row(built: BuiltVariant, plan: Plan, runner: Runner, tried: Tried) -> VariantReport:
    """The variant's row of the table, with what was noted in the browser."""
    row = report_on(built, plan, runner, _source_bytes(built.model, runner))
    target = variant_target(built.model, built.variant)
    return replace(row, notes=(*row.notes, *tried.notes.get(target, ())))


def _with_fallbacks(built: BuiltVariant, runner: Runner, store: Store) -> BuiltVariant:
    if not built.variant.accepted_fallbacks:
        return built
    target = variant_target(built.model, built.variant)
    return replace(built, fallbacks=fallbacks_of(target, runner.results, store))


def _publish(request: Request, pack: Pack, store: Store) -> Publication:
    if request.frozen:
        return check_frozen(pack, request.project.output)
    return publish_pack(pack, request.project.output, store, request.on_wait)


def _write_stats(request: Request, built: _Built, plan: Plan, runner: Runner) -> None:
    """Writes what was measured. The pack is published already, and right: a folder that takes no file costs a warning."""
    try:
        write_stats(request.project, built.variants, plan, runner.inputs)
    except StoreError as err:
        request.on_wait(f"warning: {err}")


def _breaks(verdict: Verdict) -> bool:
    return not verdict.passed and verdict.hints == "error"


def _status(code: int, runner: Runner, publication: Publication | None) -> BuildStatus:
    if code == 0:
        has_changed = publication is not None and publication.has_changed
        return "built" if runner.seconds or has_changed else "unchanged"
    return _STATUS.get(code, "failed")


def _source_bytes(model: Model, runner: Runner) -> int:
    if isinstance(model.source, ExportedSource):
        exported = runner.results[export_step(model, model.source)]
        files = exported.with_role(exported_role(model.source, "model"))
        return sum(file.size_bytes for file in files)
    if isinstance(model.source, UrlSource | HubSource):
        fetched = runner.results[f"fetch:{model.id}"].with_role("model")
        return sum(file.size_bytes for file in fetched)
    return runner.inputs.source_bytes(model.source, runner.results[f"inspect:{model.id}"])


def _manifest_name(project: Project) -> str:
    """The manifest as people find it from the configuration file; a file on another drive has no such name."""
    path, folder = project.output.path / MANIFEST_FILE, project.config.parent
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
