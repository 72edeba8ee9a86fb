"""The step `compatibility`: whether onnxruntime-web runs a variant's graph on the device that it is for.

Looks at the graph file alone, and at the table that comes with modelpack. Findings go into the variant's stats.
"""

from __future__ import annotations

import msgspec

from modelpack.compatible import AcceptedFallback, Compatibility
from modelpack.errors import CompatibilityError
from modelpack.graph.compatibility.check import Checked, Found, check_graph
from modelpack.graph.compatibility.naming import counted, reason_for
from modelpack.graph.compatibility.remedies import remedy_for
from modelpack.graph.compatibility.support import (
    Support,
    newest_release,
    support_of,
    table_release,
)
from modelpack.graph.compatibility.table import TableFile, shipped_table
from modelpack.graph.parsing import parse_graph
from modelpack.graph.support import opset_of
from modelpack.planned import CompatibilityParams
from modelpack.record import Measurement
from modelpack.steps.contract import OutputFile, StepInput, StepOutput

RESULT = "compatibility.json"
_SHOWN_TYPES = 4


def run(step: StepInput[CompatibilityParams]) -> StepOutput:
    """`compatibility.json`, a Compatibility: the release it holds for, and the fallbacks that were accepted.

    Raises: CompatibilityError MP-E453 where a node would fail, or fall back without being accepted.
    """
    params, table = step.params, shipped_table()
    release, note = _release(params.release, table)
    support = support_of(table, release, params.device) if release else None
    if support is None:
        unknown = note or f"no table says what onnxruntime-web {release} runs on {params.device}"
        return _output(step, Compatibility(params.release, "", (), 0, 0), (unknown,))
    model = parse_graph(step.one("graph"))
    _check_opset(opset_of(model), support)
    checked = check_graph(model, support, table)
    accepted = _accepted(checked, params, support)
    notes = [note] if note else []
    notes += _notes(checked, accepted, support)
    evidence = f"{support.build}, {support.evidence}"
    result = Compatibility(
        release, evidence, accepted, checked.on_device, checked.on_processor + len(accepted)
    )
    return _output(step, result, tuple(notes))


def _release(wanted: str, table: TableFile) -> tuple[str, str]:
    """The release of the table to go by (empty: none), and what to say of that."""
    newest = newest_release(table)
    if not wanted:
        return newest, (
            f"onnxruntime-web, which runs models in the page, is not in node_modules: checked against its release {newest}; "
            "install the one that your page uses, and that one is checked"
        )
    known = table_release(table, wanted)
    if known:
        return known, ""
    return "", (
        f"onnxruntime-web {wanted} is not among the releases that modelpack knows (the newest is {newest}): "
        "what it runs was not checked; `modelpack bench --only browser` tries it"
    )


def _output(
    step: StepInput[CompatibilityParams], result: Compatibility, notes: tuple[str, ...]
) -> StepOutput:
    path = step.folder / RESULT
    path.write_bytes(msgspec.json.encode(result))
    measurements = (
        Measurement("release", result.release),
        Measurement("nodesOnDevice", result.on_device),
        Measurement("nodesOnProcessor", result.on_processor),
    )
    return StepOutput((OutputFile("compatibility", path),), measurements, notes)


def _check_opset(opset: int, support: Support) -> None:
    lowest, highest = support.opsets
    if opset and not lowest <= opset <= highest:
        raise CompatibilityError(
            "MP-E453",
            f"opset {opset}; onnxruntime-web {support.release} runs {lowest} to {highest} on {support.device}",
            remedy=f"export with opset {highest} or lower, or install a newer onnxruntime-web",
        )


def _accepted(
    checked: Checked, params: CompatibilityParams, support: Support
) -> tuple[AcceptedFallback, ...]:
    """The fallbacks that the configuration accepts. Raises: CompatibilityError if there are others."""
    accepted: list[AcceptedFallback] = []
    refused: list[Found] = []
    for found in checked.found:
        if found.place == "unknown":
            continue
        may_fall_back = found.place == "wasm"
        reason = reason_for(found.operator, found.node, params.accepted) if may_fall_back else None
        if reason is None:
            refused.append(found)
        else:
            accepted.append(AcceptedFallback(found.node, found.operator, reason))
    if refused:
        raise _refusal(refused, support)
    return tuple(accepted)


def _refusal(refused: list[Found], support: Support) -> CompatibilityError:
    # What fails is said before what only falls back.
    first = min(refused, key=lambda found: found.place != "nowhere")
    what = (
        f"falls back from {support.device} to wasm"
        if first.place == "wasm"
        else f"does not run on {support.device}"
    )
    types = ", ".join(f"{name}: {kind}" for name, kind in first.types[:_SHOWN_TYPES])
    rest = counted(found.operator for found in refused if found is not first)
    others = f"; so do {len(refused) - 1} more ({rest})" if rest else ""
    return CompatibilityError(
        "MP-E453",
        f'node "{first.node}" ({first.operator} of opset {first.since}'
        f"{f', {types}' if types else ''}) {what} in onnxruntime-web {support.release}{others}",
        remedy=remedy_for(first, support.device),
    )


def _notes(checked: Checked, accepted: tuple[AcceptedFallback, ...], support: Support) -> list[str]:
    notes = []
    for reason in dict.fromkeys(one.reason for one in accepted):
        rest = counted(one.operator for one in accepted if one.reason == reason)
        notes.append(f"falls back from {support.device} to wasm, as accepted: {rest} ({reason})")
    unknown = counted(found.operator for found in checked.found if found.place == "unknown")
    if unknown:
        notes.append(f"no table says whether {support.device} runs {unknown}")
    return notes
