"""The step `solve`: the coarsest grids of a variant's weights that keep the accuracy limits on the tune samples.

It is given the tune samples and what the step `statistics` learned from the fit samples; the judge samples it cannot
see. With `auto` it tries every form the device runs and keeps the smallest, or ends with the fastest that keeps the limits.
"""

from __future__ import annotations

import math

import msgspec

from modelpack.errors import StepError
from modelpack.graph.entropy.gridfile import write_grids
from modelpack.graph.entropy.ledger import Ledger, LedgerAttempt, make_ledger
from modelpack.graph.entropy.rendering import Form, Products
from modelpack.graph.entropy.solve import Ground, Request, Solution, prepare, solve
from modelpack.graph.entropy.statistics import read_statistics
from modelpack.graph.golden.samples import read_samples
from modelpack.graph.io import read_model
from modelpack.graph.metrics.case import Outputs
from modelpack.graph.recipes.exclude import excluded_nodes
from modelpack.planned import SolveParams
from modelpack.record import Measurement
from modelpack.spec.limits import Target
from modelpack.steps.contract import OutputFile, StepInput, StepOutput
from modelpack.units import format_size

Tried = tuple[Products, Solution]


def run(step: StepInput[SolveParams]) -> StepOutput:
    """`grids.npz` and `ledger.json`.

    Raises: StepError MP-E450 if no weight can be put on a grid, MP-E452 if no grid keeps the limits on the tune
    samples, MP-E501 if there are none.
    """
    tried = _tried(step)
    products, solution = _chosen(tried, step.params)
    ledger = make_ledger(products, solution, tried)
    grids = write_grids(step.folder / "grids.npz", products, solution.grids)
    path = step.folder / "ledger.json"
    path.write_bytes(msgspec.json.encode(ledger))
    return StepOutput(
        (OutputFile("grids", grids), OutputFile("ledger", path)),
        _measured(solution, ledger),
        tuple(_notes(tried, ledger)),
    )


def _tried(step: StepInput[SolveParams]) -> list[Tried]:
    tried: list[Tried] = []
    expected: tuple[Outputs, ...] = ()
    for products in _forms(step.params):
        solution, expected = _solved(step, _request(step, products), expected)
        tried.append((products, solution))
        if step.params.objective == "latency" and solution.met:
            break  # the forms that follow are slower
    return tried


def _solved(
    step: StepInput[SolveParams], request: Request, expected: tuple[Outputs, ...]
) -> tuple[Solution, tuple[Outputs, ...]]:
    """One form's solution, and what the model itself gives: nothing else is held from one form to the next."""
    ground = _ground(step, request, expected)
    return solve(request, ground), ground.expected


def _request(step: StepInput[SolveParams], products: Products) -> Request:
    params, source = step.params, step.one("model")
    return Request(
        source,
        Form(params.device, products),
        excluded_nodes(read_model(source), params.nodes_to_exclude),
        params.outputs,
        params.targets,
        params.state,
    )


def _ground(
    step: StepInput[SolveParams], request: Request, expected: tuple[Outputs, ...]
) -> Ground:
    """What all attempts share. The statistics themselves are not held any longer than it takes to prepare it."""
    tune = read_samples(step.one("tune"))
    if not tune:
        raise StepError("MP-E501", "no sample is left to tune by", remedy="give more samples")
    statistics = read_statistics(step.one("statistics"))
    if not statistics.costs:
        raise StepError(
            "MP-E450",
            "no weight of this model can be put on a grid",
            where="shape",
            remedy='use dtype = "fp32" or "fp16"',
        )
    return prepare(request, statistics, tune, expected)


def _forms(params: SolveParams) -> tuple[Products, ...]:
    """The fastest first. Integer products have kernels on wasm alone; there they are twice as fast, and cost some accuracy."""
    if params.device != "wasm":
        return ("floats",)
    return ("integers", "floats") if params.shape == "auto" else ("integers",)


def _chosen(tried: list[Tried], params: SolveParams) -> Tried:
    met = [one for one in tried if one[1].met]
    if met:  # with the objective latency there is one
        return min(met, key=lambda one: one[1].best.entropy_bytes)
    products, nearest = min(tried, key=lambda one: one[1].best.load)
    raise StepError(
        "MP-E452",
        f"no grid keeps the limits on the tune samples with a margin; the closest, with {products} products, has "
        f"{_figures(nearest, params.targets)} at about {format_size(round(nearest.best.entropy_bytes))}"
        f"{_blocking(nearest)}",
        where="golden.metrics",
        remedy=_remedy(params),
    )


def _blocking(nearest: Solution) -> str:
    """Which of several limits is in the way."""
    best = nearest.best
    if len(best.loads) < 2:
        return ""
    return f"; {best.tightest} is in the way, with {best.load:.2f} of the error that it allows"


def _remedy(params: SolveParams) -> str:
    if params.shape == "entropy" and params.device == "wasm":
        return 'relax the limit, or use dtype = "auto", which may keep activations in floats'
    return "relax the limit, give more samples, or exclude nodes that cost most (nodes_to_exclude)"


def _figures(solution: Solution, targets: tuple[Target, ...]) -> str:
    limits: dict[str, float] = {target.metric: target.threshold for target in targets}
    return ", ".join(
        f"{metric} {value:.7g} (limit {limits[metric]})" for metric, value in solution.best.figures
    )


def _measured(solution: Solution, ledger: Ledger) -> tuple[Measurement, ...]:
    return (
        Measurement("products", ledger.products),
        Measurement("attempts", len(ledger.attempts)),
        Measurement("entropyBytes", round(solution.best.entropy_bytes)),
        *(Measurement(f"tune_{metric}", value) for metric, value in solution.best.figures),
    )


def _notes(tried: list[Tried], ledger: Ledger) -> list[str]:
    forms = [_outcome(products, solution) for products, solution in tried]
    bits = 8 * sum(entry.entropy_bytes for entry in ledger.entries)
    mean_bits = bits / sum(math.prod(entry.shape) for entry in ledger.entries)
    costly = max(ledger.entries, key=lambda entry: entry.error_share)
    weights = f"{len(ledger.entries)} weights at {mean_bits:.2f} bits"
    pareto = sorted(
        (attempt for attempt in ledger.attempts if attempt.best),
        key=lambda attempt: attempt.entropy_bytes,
    )
    points = dict.fromkeys(map(_pair, pareto))
    return [
        f"{'; '.join(forms)}; chose {ledger.products}",
        f"tried {len(ledger.attempts)}, of which no other is both smaller and nearer: {', '.join(points)}",
        f"{weights}; {costly.name} causes {costly.error_share:.0%} of the error",
    ]


def _pair(attempt: LedgerAttempt) -> str:
    """A point of the Pareto set: its size, and how much of the allowed error it has used up."""
    size = format_size(round(attempt.entropy_bytes))
    return f"{size} at {attempt.load:.2f} of the allowed error"


def _outcome(products: Products, solution: Solution) -> str:
    size = f"about {format_size(round(solution.best.entropy_bytes))}"
    return f"{products} products: {size if solution.met else 'limits not met'}"
