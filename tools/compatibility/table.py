"""From the states of trials to tables: for each operator, from which version on it takes which types.

`modelpack/graph/compatibility/table.py` reads what is written here, and says what it means.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

from tools.compatibility.browser import State
from tools.compatibility.schemas import all_schemas
from tools.compatibility.trials import Trial

# {variable: "float float16"}: any of these types of each variable, in any combination.
Row = dict[str, str]
Versions = list[tuple[int, list[Row]]]
Kernels = dict[str, Versions]


def kernels_of(trials: Sequence[Trial], states: Iterable[State]) -> Kernels:
    """The kernels that trials found. Versions that follow each other with the same rows are one."""
    tried: dict[str, dict[int, list[tuple[Trial, State]]]] = {}
    for trial, state in zip(trials, states, strict=True):
        versions = tried.setdefault(_name(trial.domain, trial.operator), {})
        versions.setdefault(trial.since, []).append((trial, state))
    found: Kernels = {}
    for operator, versions in tried.items():
        merged: Versions = []
        for since, pairs in sorted(versions.items()):
            if all(state == "untold" for _, state in pairs):
                continue
            rows = _rows([trial for trial, state in pairs if state == "runs"])
            if not merged or merged[-1][1] != rows:
                merged.append((since, rows))
        if any(rows for _, rows in merged):
            found[operator] = merged
    return found


def untold_operators(trials: Sequence[Trial], states: Iterable[State]) -> list[str]:
    """Operators of which no trial said anything: nothing is claimed of them."""
    told: dict[str, bool] = {_name(s.domain, s.name): False for s in all_schemas()}
    for trial, state in zip(trials, states, strict=True):
        told[_name(trial.domain, trial.operator)] |= state != "untold"
    return sorted(name for name, is_told in told.items() if not is_told)


def signatures() -> dict[str, list[list[str]]]:
    """The types of the inputs and outputs of operators that only onnxruntime knows."""
    return {
        schema.name: [
            [formal.type for formal in schema.inputs],
            [
                _only(schema.constraints.get(formal.type, ())) or formal.type
                for formal in schema.outputs
            ],
        ]
        for schema in all_schemas()
        if schema.domain == "com.microsoft"
    }


def _only(types: Sequence[str]) -> str:
    return types[0] if len(types) == 1 else ""


def _name(domain: str, operator: str) -> str:
    return f"{domain}.{operator}" if domain else operator


def _rows(trials: Sequence[Trial]) -> list[Row]:
    """The fewest products of types that these trials are all of."""
    if not trials:
        return []
    variables = trials[0].variables
    found = {trial.types for trial in trials}
    return [
        {variable: " ".join(types) for variable, types in zip(variables, sets, strict=True)}
        for sets in _products(found, len(variables))
    ]


def _products(found: set[tuple[str, ...]], width: int) -> list[tuple[tuple[str, ...], ...]]:
    if width == 0:
        return [()]
    sets = tuple(_ordered(types[index] for types in found) for index in range(width))
    if found == set(itertools.product(*sets)):
        return [sets]
    by_first: Mapping[str, set[tuple[str, ...]]] = {
        first: {types[1:] for types in found if types[0] == first} for first in sets[0]
    }
    alike: dict[frozenset[tuple[str, ...]], list[str]] = {}
    for first, rest in by_first.items():
        alike.setdefault(frozenset(rest), []).append(first)
    return [
        (tuple(firsts), *product)
        for rest, firsts in alike.items()
        for product in _products(set(rest), width - 1)
    ]


def _ordered(types: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(types)))
