"""Which models and variants a command line means: `minilm`, `minilm@q8`, `mini*@q?`."""

from __future__ import annotations

import difflib
from fnmatch import fnmatchcase

import msgspec

from modelpack.errors import UsageError
from modelpack.spec.project import Model, Project
from modelpack.spec.variants import Variant


def select(project: Project, patterns: tuple[str, ...]) -> Project:
    """The project with only the models and variants that a pattern names; all of it where there is no pattern.

    Raises: UsageError MP-E116 if a pattern names nothing.
    """
    if not patterns:
        return project
    for pattern in patterns:
        if not any(_matches(pattern, model, variant) for model, variant in _pairs(project)):
            raise _selects_nothing(project, pattern)
    narrowed = (_narrow(model, patterns) for model in project.models)
    return msgspec.structs.replace(
        project, models=tuple(model for model in narrowed if model.variants)
    )


def _narrow(model: Model, patterns: tuple[str, ...]) -> Model:
    chosen = tuple(
        variant
        for variant in model.variants
        if any(_matches(pattern, model, variant) for pattern in patterns)
    )
    return msgspec.structs.replace(model, variants=chosen)


def _pairs(project: Project) -> list[tuple[Model, Variant]]:
    return [(model, variant) for model in project.models for variant in model.variants]


def _matches(pattern: str, model: Model, variant: Variant) -> bool:
    model_pattern, has_variant, variant_pattern = pattern.partition("@")
    return fnmatchcase(model.id, model_pattern) and (
        not has_variant or fnmatchcase(variant.id, variant_pattern)
    )


def _selects_nothing(project: Project, pattern: str) -> UsageError:
    names = [model.id for model in project.models]
    names += [f"{model.id}@{variant.id}" for model, variant in _pairs(project)]
    near = difflib.get_close_matches(pattern, names, n=1)
    models = ", ".join(model.id for model in project.models)
    hint = f'; did you mean "{near[0]}"?' if near else f"; there are {models}"
    return UsageError(
        "MP-E116",
        f'"{pattern}" names no model or variant{hint}',
        where=project.config.name,
        remedy="modelpack list shows them all",
    )
