"""The limits of a variant, and the networks that load times are computed for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelpack.config import grammar
from modelpack.config.containers import Key, Values
from modelpack.config.place import Place, spell
from modelpack.spec import Growth, Hints, Limit, Mode, Network, Quantity

_RELATIVE: tuple[tuple[Quantity, Key[int | Growth]], ...] = (
    ("download", grammar.DOWNLOAD),
    ("size", grammar.SIZE),
    ("chunks", grammar.CHUNKS),
    ("assets", grammar.ASSETS_BUDGET),
)


def read_networks(values: Values) -> dict[str, Network]:
    """The networks of the project by name."""
    return {
        name: Network(name, network.value(grammar.BANDWIDTH), network.value(grammar.LATENCY))
        for name, network in (values.get(grammar.NETWORKS) or {}).items()
    }


def read_limits(budget: Values, mode: Mode, networks: Mapping[str, Network]) -> Iterator[Limit]:
    """The limits in the order of the grammar; in development mode they only warn."""
    hints: Hints = "warning" if mode == "development" else budget.value(grammar.HINTS)
    for quantity, key in _RELATIVE:
        maximum = budget.get(key)
        if maximum is not None:
            yield Limit(quantity, maximum, hints, spell(budget.place(key).keys))
    share = budget.get(grammar.UPDATE)
    if share is not None:
        yield Limit("update", share, hints, spell(budget.place(grammar.UPDATE).keys))
    for name, (duration_s, at) in _load_times(budget).items():
        yield Limit("load_time", duration_s, hints, spell(at.keys), networks[name])


def load_time_places(budget: Values) -> dict[str, Place]:
    """Where each network is named."""
    return {name: at for name, (_, at) in _load_times(budget).items()}


def _load_times(budget: Values) -> dict[str, tuple[float, Place]]:
    """Seconds by network; an upper layer overrides a lower one network by network."""
    found: dict[str, tuple[float, Place]] = {}
    for table, at in budget.layers:
        if grammar.LOAD_TIME.name in table:
            place = at.child(grammar.LOAD_TIME.name)
            durations = grammar.LOAD_TIME.field.read(table[grammar.LOAD_TIME.name], place)
            for name, duration_s in durations.items():
                found.setdefault(name, (duration_s, place.child(name)))
    return found
