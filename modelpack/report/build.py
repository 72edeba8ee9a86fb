"""Everything that a build says when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modelpack.record import BuildReport, VariantReport
from modelpack.report.palette import Palette, Style, plain
from modelpack.report.table import build_table
from modelpack.report.verdicts import failures_text
from modelpack.report.words import count, one_line
from modelpack.units import format_seconds, format_size

_MANY_SAMPLES = 10  # with fewer, one unlucky sample moves every figure by a tenth

_STYLES: dict[str, Style] = {"built": "good", "unchanged": "good"}


def build_text(report: BuildReport, palette: Palette = plain) -> str:
    """The table, notes, limits that do not hold, errors, and one closing line that says what is published."""
    blocks = (
        build_table(report, palette),
        assets_text(report.variants, palette),
        few_samples_text(report.variants, palette),
        notes_text(report.variants, palette),
        failure_text(report, palette),
    )
    return "\n".join(block for block in blocks if block)


def failure_text(report: BuildReport, palette: Palette = plain) -> str:
    """Only what went wrong: limits that do not hold, errors, and the closing line."""
    blocks = (
        failures_text(report, palette),
        errors_text(report.errors, palette),
        closing_line(report, palette) + "\n",
    )
    return "\n".join(block for block in blocks if block)


def unchanged_text(report: BuildReport) -> str:
    """What a build says that finds everything as the last one left it; limits that only warn are said again."""
    warnings = failures_text(report)
    return f"{warnings}nothing changed{_published(report)}\n"


def assets_text(variants: Iterable[VariantReport], palette: Palette = plain) -> str:
    """One line for each model that has assets: what a page downloads when it asks for them."""
    sizes = {variant.model: variant.assets_bytes for variant in variants if variant.assets_bytes}
    return "".join(
        f"{palette('faint', 'assets')} {one_line(model)}: {format_size(size_bytes)} more when a page asks for them\n"
        for model, size_bytes in sizes.items()
    )


def few_samples_text(variants: Iterable[VariantReport], palette: Palette = plain) -> str:
    """One line for each model whose accuracy is a figure of hardly any samples."""
    judged = {row.model: row.evaluation.samples for row in variants if row.evaluation is not None}
    return "".join(
        f"{palette('warning', 'note')} {one_line(model)}: accuracy is judged on {count(samples, 'sample')} only; "
        f"two of five samples judge, so a golden set of {_MANY_SAMPLES * 5 // 2} says more\n"
        for model, samples in judged.items()
        if samples < _MANY_SAMPLES
    )


def notes_text(variants: Iterable[VariantReport], palette: Palette = plain) -> str:
    """One line for each note of a step, naming the variants it holds for; the model, where it holds for all of them."""
    rows = tuple(variants)
    noted: dict[str, list[VariantReport]] = {}
    for variant in rows:
        for note in variant.notes:
            noted.setdefault(note, []).append(variant)
    return "".join(
        f"{palette('faint', 'note')} {one_line(', '.join(_names(holders, rows)))}: {one_line(note)}\n"
        for note, holders in noted.items()
    )


def errors_text(errors: Iterable[str], palette: Palette = plain) -> str:
    """One line for each error; its code stands out."""
    return "".join(f"{_error_line(one_line(error), palette)}\n" for error in errors)


def closing_line(report: BuildReport, palette: Palette = plain) -> str:
    """What came of it, and where the manifest is."""
    style = _STYLES.get(report.status, "bad")
    development = " for development" if report.mode == "development" and report.manifest else ""
    return f"{palette(style, _outcome(report))}{development}{_published(report)}"


def _names(holders: list[VariantReport], rows: tuple[VariantReport, ...]) -> Iterator[str]:
    for model in dict.fromkeys(row.model for row in holders):
        mine = [row.variant for row in holders if row.model == model]
        if len(mine) == sum(row.model == model for row in rows):
            yield model
        else:
            yield from (f"{model}@{variant}" for variant in mine)


def _error_line(error: str, palette: Palette) -> str:
    code, _, rest = error.partition(" ")
    return f"{palette('bad', code)} {rest}" if code.startswith("MP-E") else palette("bad", error)


def _outcome(report: BuildReport) -> str:
    duration = format_seconds(report.seconds)
    match report.status:
        case "built":
            return f"built {_amount(report.variants)} in {duration}"
        case "unchanged":
            return f"nothing changed, checked in {duration}"
        case "failed":
            return f"failed with {count(len(report.errors), 'error')} after {duration}"
        case "over-budget":
            return f"over budget: {_broken(report)}"
        case "inaccurate":
            return f"not accurate enough: {_broken(report)}"
        case "out-of-date":
            return "out of date, and --frozen builds nothing"


def _amount(variants: tuple[VariantReport, ...]) -> str:
    models = len({variant.model for variant in variants})
    return f"{count(len(variants), 'variant')} of {count(models, 'model')}"


def _broken(report: BuildReport) -> str:
    failures = [v for v in report.verdicts if not v.passed and v.hints == "error"]
    verb = "does" if len(failures) == 1 else "do"
    return f"{count(len(failures), 'limit')} {verb} not hold"


def _published(report: BuildReport) -> str:
    if not report.manifest:
        return "; nothing was published"
    return f": {one_line(report.manifest)}"
