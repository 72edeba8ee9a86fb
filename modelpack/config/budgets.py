"""The limits of a variant, and the networks that load times are computed for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelpack.config import budget_keys, grammar
from modelpack.config.containers import Key, Values
from modelpack.config.limit_fields import EVERY_DEVICE
from modelpack.config.place import Place, spell
from modelpack.spec.limits import Growth, Hints, Limit, Network, Quantity
from modelpack.spec.project import Mode
from modelpack.spec.variants import Device

_PUBLISHED: tuple[tuple[Quantity, Key[Mapping[str, float | Growth]]], ...] = (
    ("download", budget_keys.DOWNLOAD),
    ("size", budget_keys.SIZE),
    ("chunks", budget_keys.CHUNKS),
    ("assets", budget_keys.ASSETS),
    ("update", budget_keys.UPDATE),
)
_MEASURED: tuple[tuple[Quantity, Key[Mapping[str, float | Growth]]], ...] = (
    ("memory", budget_keys.MEMORY),
    ("latency_p50", budget_keys.LATENCY_P50),
    ("latency_p95", budget_keys.LATENCY_P95),
    ("first_inference", budget_keys.FIRST_INFERENCE),
)


def read_networks(values: Values) -> dict[str, Network]:
    """The networks of the project by name."""
    return {
        name: Network(name, network.value(grammar.BANDWIDTH), network.value(grammar.LATENCY))
        for name, network in (values.get(grammar.NETWORKS) or {}).items()
    }


def read_limits(
    budget: Values, device: Device, mode: Mode, networks: Mapping[str, Network]
) -> Iterator[Limit]:
    """The limits of a variant for that device, in the order of the grammar; in development mode they only warn."""
    hints: Hints = "warning" if mode == "development" else budget.value(budget_keys.HINTS)
    for quantity, key in _PUBLISHED:
        for maximum, at in _for_device(budget, key, device):
            yield Limit(quantity, maximum, hints, spell(at.keys))
    for name, (duration_s, at) in _load_times(budget).items():
        yield Limit("load_time", duration_s, hints, spell(at.keys), networks[name])
    for quantity, key in _MEASURED:
        for maximum, at in _for_device(budget, key, device):
            yield Limit(quantity, maximum, hints, spell(at.keys))


def unmeasured_places(budget: Values, device: Device) -> Iterator[tuple[str, Place]]:
    """The limits of what nothing measures on that device, by their keys: no browser that can be driven has WebNN."""
    if device == "webnn":
        for _, key in _MEASURED:
            yield from ((key.name, at) for _, at in _for_device(budget, key, device))


def load_time_places(budget: Values) -> dict[str, Place]:
    """Where each network is named."""
    return {name: at for name, (_, at) in _load_times(budget).items()}


def _for_device(
    budget: Values, key: Key[Mapping[str, float | Growth]], device: Device
) -> Iterator[tuple[float | Growth, Place]]:
    """The limit that holds for the device, if one does; an upper layer overrides a lower one device by device."""
    for table, at in budget.layers:
        if key.name in table:
            place = at.child(key.name)
            limits = key.field.read(table[key.name], place)
            if device in limits:
                yield limits[device], place.child(device)
                return
            if EVERY_DEVICE in limits:
                yield limits[EVERY_DEVICE], place
                return


def _load_times(budget: Values) -> dict[str, tuple[float, Place]]:
    """Seconds by network; an upper layer overrides a lower one network by network."""
    found: dict[str, tuple[float, Place]] = {}
    for table, at in budget.layers:
        if budget_keys.LOAD_TIME.name in table:
            place = at.child(budget_keys.LOAD_TIME.name)
            durations = budget_keys.LOAD_TIME.field.read(table[budget_keys.LOAD_TIME.name], place)
            for name, duration_s in durations.items():
                found.setdefault(name, (duration_s, place.child(name)))
    return found
