"""Why a step would run again: the difference of two key preimages, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import zip_longest

import msgspec

from modelpack.digest import canonical_json
from modelpack.keys import InputDigest, KeyPreimage
from modelpack.planned import Params

_DIGEST_DIGITS = 12
_NOTHING = "none"


def explain(old: KeyPreimage, new: KeyPreimage) -> tuple[str, ...]:
    """A sentence for each difference, inputs first; nothing where the preimages are equal."""
    return (
        *_inputs(old.inputs, new.inputs),
        *_parameters(old.params, new.params),
        *_code(dict(old.code), dict(new.code)),
        *_tools(dict(old.tools), dict(new.tools)),
        *_platform(old.platform, new.platform),
    )


def _inputs(old: Iterable[InputDigest], new: Iterable[InputDigest]) -> Iterable[str]:
    before, after = _by_place(old), _by_place(new)
    for place in sorted(before.keys() | after.keys()):
        pairs = zip_longest(before.get(place, ()), after.get(place, ()))
        yield from (_input_sentence(place, *pair) for pair in pairs if pair[0] != pair[1])


def _by_place(inputs: Iterable[InputDigest]) -> dict[str, list[str]]:
    places: dict[str, list[str]] = {}
    for file in inputs:
        place = f"{file.role} ({file.name})" if file.name else file.role
        places.setdefault(place, []).append(file.digest)
    return places


def _input_sentence(place: str, old: str | None, new: str | None) -> str:
    if old is None:
        return f"input {place} added: {_short(new)}"
    if new is None:
        return f"input {place} removed: {_short(old)}"
    return f"input {place} changed: {_short(old)} → {_short(new)}"


def _short(digest: str | None) -> str:
    return f"{(digest or '')[:_DIGEST_DIGITS]}…"


def _parameters(old: Params, new: Params) -> Iterable[str]:
    before, after = msgspec.structs.asdict(old), msgspec.structs.asdict(new)
    for name in _different(before, after):
        yield f"parameter {name}: {_value(before, name)} → {_value(after, name)}"


def _value(values: Mapping[str, object], name: str) -> str:
    return canonical_json(values[name]).decode() if name in values else _NOTHING


def _code(old: Mapping[str, str], new: Mapping[str, str]) -> Iterable[str]:
    for file in _different(old, new):
        change = "added" if file not in old else "removed" if file not in new else "changed"
        yield f"code {file} {change}"


def _tools(old: Mapping[str, str], new: Mapping[str, str]) -> Iterable[str]:
    for tool in _different(old, new):
        yield f"{tool} {old.get(tool, _NOTHING)} → {new.get(tool, _NOTHING)}"


def _platform(old: str, new: str) -> Iterable[str]:
    if old != new:
        yield f"processor: {old or _NOTHING} → {new or _NOTHING}"


def _different(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    missing = object()
    names = sorted(old.keys() | new.keys())
    return [name for name in names if old.get(name, missing) != new.get(name, missing)]
