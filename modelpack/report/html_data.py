"""A picture of a project, as the page of the HTML report reads it: figures, and the words that the other reports use for them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping

from modelpack.judge.load_time import transfers
from modelpack.measured import Run
from modelpack.picture import Commit, Picture, VariantPicture
from modelpack.published import CheckReport, CheckRow
from modelpack.record import Verdict
from modelpack.report.bench import machine_text, threads_text
from modelpack.report.check import failed_text, summary, verdict_words
from modelpack.report.html_shown import (
    CommitShown,
    DownloadShown,
    LimitShown,
    MetricWords,
    PageData,
    RunShown,
    SampleShown,
    SamplesShown,
    StepShown,
    Tile,
    VariantShown,
)
from modelpack.report.metrics import (
    figures_of,
    is_error,
    metric_heading,
    metric_meaning,
    metric_text,
)
from modelpack.report.words import count
from modelpack.spec.limits import Network
from modelpack.units import format_seconds, format_size

# As Lighthouse (mobile, "slow 4G") and WebPageTest ("4G", "Cable") have them; read 2026-11.
_NETWORKS = (
    Network("slow 4G", 1.6e6, 0.15),
    Network("4G", 9e6, 0.17),
    Network("cable", 5e6, 0.028),
)


def page_data(picture: Picture) -> PageData:
    """What the page reads."""
    check = picture.check
    variants = tuple(
        _variant(row, one, picture)
        for row, one in zip(check.variants, picture.variants, strict=True)
    )
    names = {name: None for one in variants for name in one.accuracy}
    return PageData(
        picture.project,
        summary(check),
        all(verdict.passed for verdict in check.verdicts),
        failed_text(check),
        tuple(_tiles(check)),
        {
            name: MetricWords(metric_heading(name), is_error(name), metric_meaning(name))
            for name in names
        },
        {one.group: _group_words(one.group, variants) for one in variants},
        {name: machine_text(machine) for name, machine in picture.machines.items()},
        variants,
        tuple(_commit(commit) for commit in picture.history),
        {model: _pictures(found) for model, found in picture.thumbnails.items() if found},
    )


def _pictures(thumbnails: Mapping[int, bytes]) -> dict[str, str]:
    """As addresses that the page can show without a network."""
    return {
        str(position): f"data:image/webp;base64,{b64encode(content).decode()}"
        for position, content in thumbnails.items()
    }


def _tiles(check: CheckReport) -> Iterator[Tile]:
    models = {row.model for row in check.variants}
    yield Tile(count(len(models), "model"), count(len(check.variants), "variant"))
    sizes = [row.download_bytes for row in check.variants if row.download_bytes]
    if sizes:
        yield Tile(format_size(min(sizes)), "smallest download of a variant")
        yield Tile(format_size(max(sizes)), "largest download of a variant")
    broken = sum(not verdict.passed for verdict in check.verdicts)
    judged = sum(not verdict.note for verdict in check.verdicts)
    yield Tile(f"{judged - broken} of {judged}", "limits hold")


def _group_words(group: str, variants: tuple[VariantShown, ...]) -> str:
    models = list(dict.fromkeys(one.model for one in variants if one.group == group))
    return models[0] if len(models) == 1 else f"{group} ({', '.join(models)})"


def _variant(row: CheckRow, one: VariantPicture, picture: Picture) -> VariantShown:
    verdicts = [verdict for verdict in picture.check.verdicts if verdict.target == _name(row)]
    accuracy = figures_of(row.evaluation)
    return VariantShown(
        name=_name(row),
        model=row.model,
        variant=row.variant,
        dtype=row.dtype,
        device=row.device,
        # A model without a group is alone on its axes; no group has an @ in its name.
        group=one.group or f"@{row.model}",
        size_bytes=row.size_bytes,
        download_bytes=row.download_bytes,
        chunks=row.chunks,
        is_best=row.is_best,
        verdict=verdict_words(row, verdicts),
        holds=all(verdict.passed for verdict in verdicts),
        accuracy=accuracy,
        accuracy_text={name: metric_text(row.evaluation, name) for name in accuracy},
        measured=row.measured,
        native_s=_native_s(one.runs),
        threads=_threads(one.runs),
        limits=tuple(
            LimitShown(verdict.quantity, verdict.limit) for verdict in verdicts if not verdict.note
        ),
        tensors=tuple(
            (each.name, each.dtype, each.size_bytes, each.consumer, each.operator)
            for each in one.tensors
        ),
        samples=_samples(one),
        runs=tuple(RunShown(name, run) for name, runs in one.runs.items() for run in runs),
        downloads=tuple(_downloads(one, verdicts, picture.manifest_bytes)),
        before=row.before,
    )


def _name(row: CheckRow) -> str:
    return f"{row.model}@{row.variant}"


def _native_s(runs: Mapping[str, tuple[Run, ...]]) -> float | None:
    times = [
        run.p50_s
        for found in runs.values()
        for run in found
        if run.engine == "native" and run.threads == 1
    ]
    return max(times, default=None)


def _threads(runs: Mapping[str, tuple[Run, ...]]) -> str:
    """What the first sweep of thread counts in a browser recommends; empty where there is none."""
    swept = [run for found in runs.values() for run in found]
    for engine in dict.fromkeys(run.engine for run in swept):
        words = threads_text([run for run in swept if run.engine == engine])
        if words:
            return words
    return ""


def _samples(one: VariantPicture) -> SamplesShown:
    if one.evaluated is None:
        return SamplesShown()
    return SamplesShown(
        tuple(metric.metric for metric in one.evaluated.metrics),
        tuple(
            SampleShown(each.position, each.name, one.texts.get(each.position, ""), each.values)
            for each in one.evaluated.figures
        ),
    )


def _downloads(
    one: VariantPicture, verdicts: list[Verdict], manifest_bytes: int
) -> Iterator[DownloadShown]:
    if not one.transfers:
        return
    limits = {verdict.quantity: verdict.limit for verdict in verdicts}
    named = {network.name: network for network in (*one.networks, *_NETWORKS)}
    sizes = [size for _, size in one.transfers]
    labels = ["manifest", *(f"chunk {name[:8]}" for name, _ in one.transfers)]
    for name, network in named.items():
        found = transfers(manifest_bytes, sizes, network)
        connect = StepShown("connect", 0, 0.0, found[0].starts_s, found[0].starts_s)
        steps = (
            StepShown(label, each.size_bytes, each.starts_s, each.begins_s, each.ends_s)
            for label, each in zip(labels, found, strict=True)
        )
        seconds = max(each.ends_s for each in found)
        limit = limits.get(f"load_time.{name}")
        yield DownloadShown(name, _network(network), seconds, limit, (connect, *steps))


def _network(network: Network) -> str:
    rate = f"{network.bandwidth_bits_per_s / 1e6:g} Mbit/s"
    return f"{network.name} ({rate}, {format_seconds(network.latency_s)})"


def _commit(commit: Commit) -> CommitShown:
    return CommitShown(
        commit.name,
        commit.date,
        commit.subject,
        {
            name: {
                "download": one.download_bytes,
                "size": one.size_bytes,
                **one.accuracy,
                **one.measured,
            }
            for name, one in commit.variants.items()
        },
    )
