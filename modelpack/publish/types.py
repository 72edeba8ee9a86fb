"""TypeScript types of everything published: names, inputs, outputs, assets and variants of every model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from modelpack.publish.wire import Manifest, ManifestModel, ManifestState, ValueMetadata

_HEADER = """\
// Written by modelpack from modelpack.toml; the next build replaces it.

declare module "modelpack:models" {
  /** A tensor that goes into a model or comes out: its element type, and its shape, in which a name is a free dimension. */
  export interface Value<Type extends string, Shape extends readonly (number | string)[]> {
    readonly type: Type;
    readonly shape: Shape;
  }

  /** Every published model, by its id. */
  export interface Models {
"""
_FOOTER = """\
  }

  export type ModelId = keyof Models;
  export type VariantId<Id extends ModelId> = Models[Id]["variants"];
  export type AssetName<Id extends ModelId> = Models[Id]["assets"];

  /** What a bundler plugin gives for a model: the manifest that a page was built with. */
  export interface Reference<Id extends ModelId> {
    readonly manifestUrl: string;
    readonly sha256: string;
    readonly model: Id;
    /** Never there: by it, the loader's functions know the model's types. */
    readonly types?: Models[Id];
  }
}
"""


def types_source(manifest: Manifest) -> str:
    """The text of a `.d.ts` file without imports or exports. Follows from the manifest alone and needs no other types.

    Only in such a file can modules be declared that a bundler makes up.
    """
    models = sorted(manifest.models.items())
    lines = (line for model_id, model in models for line in _model(model_id, model))
    references = "".join(_module(model_id) for model_id, _ in models)
    return _HEADER + "".join(f"    {line}\n" for line in lines) + _FOOTER + references


def _model(model_id: str, model: ManifestModel) -> Iterator[str]:
    yield f"readonly {_text(model_id)}: {{"
    yield from _values("inputs", model.inputs)
    yield from _values("outputs", model.outputs)
    yield f"  readonly state: {_state(model.state)};"
    yield f"  readonly assets: {_union(sorted(model.assets))};"
    yield f"  readonly variants: {_union(variant.id for variant in model.variants)};"
    yield "};"


def _module(model_id: str) -> str:
    """What `import` gives of the model, where a bundler plugin resolves it."""
    return (
        f"\ndeclare module {_text(f'modelpack:{model_id}')} {{\n"
        f'  const reference: import("modelpack:models").Reference<{_text(model_id)}>;\n'
        "  export default reference;\n"
        "}\n"
    )


def _values(field: str, values: tuple[ValueMetadata, ...]) -> Iterator[str]:
    yield f"  readonly {field}: {{"
    for value in values:
        yield f"    readonly {_text(value.name)}: Value<{_text(value.type)}, {_shape(value)}>;"
    yield "  };"


def _shape(value: ValueMetadata) -> str:
    return f"readonly [{', '.join(_dimension(size) for size in value.shape)}]"


def _dimension(size: int | str) -> str:
    """A dimension without a name can be any number."""
    if size == "":
        return "number"
    return _text(size) if isinstance(size, str) else str(size)


def _state(pairs: tuple[ManifestState, ...]) -> str:
    written = (
        f"{{ readonly input: {_text(pair.input)}; readonly output: {_text(pair.output)} }}"
        for pair in pairs
    )
    return f"readonly [{', '.join(written)}]"


def _union(names: Iterable[str]) -> str:
    return " | ".join(_text(name) for name in names) or "never"


def _text(name: str) -> str:
    """The name as a string literal; JSON's are TypeScript's."""
    return json.dumps(name)
