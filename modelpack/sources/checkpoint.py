"""A Hugging Face checkpoint: which folder is one, which of its files count, and whether they are whole. Without any library.

1. A folder is a checkpoint if it has a `config.json`, or the `modules.json` of sentence-transformers.
2. Of its files count those that transformers reads without running code: JSON, vocabularies, and the safetensors that
   the checkpoint's own index names. A pickle and Python files do only where the configuration allows them.
3. Every safetensors file is as long as its header says: a download that was cut off is noticed before torch is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from modelpack.errors import SourceError

T = TypeVar("T")


class Allowed(msgspec.Struct, frozen=True):
    """Which files count that can run code when they are read: the project says so, by checkpoint."""

    pickle: bool = False
    code: bool = False


_SAFE = Allowed()


CONFIG = "config.json"
MODULES = "modules.json"
PICKLE = "pytorch_model.bin"
PICKLE_SHARD = re.compile(r"pytorch_model-[0-9]+-of-[0-9]+\.bin")
_PICKLE_INDEX = f"{PICKLE}.index.json"
_WEIGHTS = "model.safetensors"
_INDEX = "model.safetensors.index.json"
SMALL_SUFFIXES = frozenset({".json", ".txt", ".model", ".jinja"})
_PICKLES = (".bin", ".pt", ".pth", ".ckpt")
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_LARGEST_JSON_BYTES = 64 << 20  # tokenizers have had 30 MB
_LARGEST_HEADER_BYTES = 100_000_000  # what safetensors itself accepts
_FETCH_AGAIN = "fetch the checkpoint again"


class Module(msgspec.Struct, frozen=True):
    """A stage of a sentence-transformers model: its class, and its folder inside the checkpoint."""

    type: str
    path: str = ""


class _Index(msgspec.Struct, frozen=True):
    weight_map: dict[str, str]


class _Span(msgspec.Struct, frozen=True):
    data_offsets: tuple[int, int]


def is_checkpoint(folder: Path) -> bool:
    """Whether the folder is a checkpoint (rule 1)."""
    return (folder / CONFIG).is_file() or (folder / MODULES).is_file()


def checkpoint_files(
    folder: Path, allowed: Allowed = _SAFE, names: Collection[str] | None = None
) -> tuple[str, ...]:
    """The names of the files that count (rule 2), the one that makes the folder a checkpoint first.

    `names` are all files there are, where only the small ones lie in the folder.
    """
    found = _safe_files(folder, names)
    held = set(_held(folder, "") if names is None else names)
    if allowed.pickle and not any(name.endswith(".safetensors") for name in found):
        found = (*found, *pickles_of(held))
    if allowed.code:
        found = (*found, *sorted(name for name in held if _is_code(name)))
    return found


def pickles_of(names: Iterable[str]) -> tuple[str, ...]:
    """The pickle of weights among these files, or the shards of one, sorted."""
    held = set(names)
    if PICKLE in held:
        return (PICKLE,)
    shards = sorted(name for name in held if PICKLE_SHARD.fullmatch(name))
    return tuple(shards) if _PICKLE_INDEX in held else ()


def _is_code(name: str) -> bool:
    return name.endswith(".py") and "/" not in name


def _safe_files(folder: Path, names: Collection[str] | None) -> tuple[str, ...]:
    first = MODULES if (folder / MODULES).is_file() else CONFIG
    prefixes = ["", *(f"{module.path}/" for module in modules_of(folder) if module.path)]
    found = {
        name
        for prefix in prefixes
        for name in (_held(folder, prefix) if names is None else _below(prefix, names))
        if _counts(folder / prefix, name.removeprefix(prefix))
    }
    return (first, *sorted(found - {first}))


def modules_of(folder: Path) -> tuple[Module, ...]:
    """The stages of a sentence-transformers model in order; none for any other. Raises: SourceError MP-E222."""
    path = folder / MODULES
    if not path.is_file():
        return ()
    modules = read_json(path, tuple[Module, ...])
    for module in modules:
        if module.path and not _is_plain(module.path):
            raise _broken(path, f'the folder "{module.path}" of a module lies outside')
    return modules


def transformer_prefix(folder: Path) -> str:
    """The folder of the transformer inside the checkpoint, with a slash; empty where it is the checkpoint itself."""
    for module in modules_of(folder):
        if module.type.endswith(".Transformer") and module.path:
            return f"{module.path}/"
    return ""


def check_checkpoint(folder: Path, files: tuple[str, ...]) -> None:
    """Nothing, where every file is whole and there are weights. Raises: SourceError MP-E202, MP-E207 or MP-E222."""
    weights = [name for name in files if name.endswith(".safetensors")]
    transformer = transformer_prefix(folder)
    if not pickles_of(files) and not any(name.startswith(transformer) for name in weights):
        raise _without_weights(folder / transformer)
    for name in weights:
        _check_weights(folder / name)
    if f"{transformer}{_INDEX}" in files:
        for shard in sorted(set(_shards(folder / transformer))):
            if f"{transformer}{shard}" not in files:
                raise _broken(folder / transformer / _INDEX, f'"{shard}" is missing')
    if PICKLE not in files and pickles_of(files):
        for shard in sorted(set(_shards(folder, _PICKLE_INDEX))):
            if shard not in files:
                raise _broken(folder / _PICKLE_INDEX, f'"{shard}" is missing')


def read_json(path: Path, form: type[T]) -> T:
    """The JSON file in that form. Raises: SourceError MP-E222 if it has another, or is larger than any known one."""
    try:
        if path.stat().st_size > _LARGEST_JSON_BYTES:
            raise _broken(path, "it is too large to be what its name says")
        return msgspec.json.decode(path.read_bytes(), type=form)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise _broken(path, f"it cannot be read ({err})") from err


def _held(folder: Path, prefix: str) -> Iterator[str]:
    place = folder / prefix
    for entry in place.iterdir() if place.is_dir() else ():
        if entry.is_file():
            yield f"{prefix}{entry.name}"


def _below(prefix: str, names: Collection[str]) -> Iterator[str]:
    return (
        name for name in names if name.startswith(prefix) and "/" not in name.removeprefix(prefix)
    )


def _counts(place: Path, name: str) -> bool:
    if Path(name).suffix in SMALL_SUFFIXES:
        return True
    return name in (set(_shards(place)) if (place / _INDEX).is_file() else {_WEIGHTS})


def _shards(folder: Path, index: str = _INDEX) -> Iterator[str]:
    for shard in read_json(folder / index, _Index).weight_map.values():
        if not _is_plain(shard):
            raise _broken(folder / index, f'the file "{shard}" lies outside')
        yield shard


def _is_plain(name: str) -> bool:
    return name not in {"", ".", ".."} and not {"/", "\\", ":", "\0"} & set(name)


def _check_weights(path: Path) -> None:
    size_bytes = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(8)
        if head == _LFS_POINTER[:8]:
            raise SourceError(
                "MP-E202",
                "a git-lfs pointer stands in place of the weights",
                where=str(path),
                remedy="run `git lfs pull`",
            )
        header_bytes = int.from_bytes(head, "little")
        if len(head) < 8 or header_bytes > min(size_bytes - 8, _LARGEST_HEADER_BYTES):
            raise _broken(path, "it is cut off, or no safetensors file")
        header = stream.read(header_bytes)
    expected_bytes = 8 + header_bytes + _data_bytes(header, path)
    if expected_bytes != size_bytes:
        raise _broken(path, f"it has {size_bytes} bytes; its header says {expected_bytes}")


def _data_bytes(header: bytes, path: Path) -> int:
    try:
        entries = msgspec.json.decode(header, type=dict[str, msgspec.Raw])
        spans = [
            msgspec.json.decode(raw, type=_Span)
            for name, raw in entries.items()
            if name != "__metadata__"
        ]
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise _broken(path, f"its header cannot be read ({err})") from err
    return max((span.data_offsets[1] for span in spans), default=0)


def _without_weights(folder: Path) -> SourceError:
    names = sorted(entry.name for entry in folder.iterdir())
    pickles = [name for name in names if name.endswith(_PICKLES)]
    if pickles:
        return SourceError(
            "MP-E207",
            f'the checkpoint has its weights in "{pickles[0]}" only, a pickle, which can run code when it is read',
            where=str(folder),
            remedy="where you trust it, set allow_pickle = true and its sha256; or convert it: "
            "`AutoModel.from_pretrained(…).save_pretrained(…)` writes safetensors",
        )
    graphs = [name for name in names if name.endswith(".onnx")]
    inside = [f"onnx/{entry.name}" for entry in (folder / "onnx").glob("*.onnx")]
    graphs += sorted(inside)
    if graphs:
        return SourceError(
            "MP-E222",
            "the folder has no model.safetensors, but ONNX files",
            where=str(folder),
            remedy=f'name the file: "{graphs[0]}"',
        )
    others = [name for name in names if name.endswith(".safetensors")]
    found = f'; found "{others[0]}"' if others else ""
    return _broken(folder, f"it has no {_WEIGHTS}{found}")


def _broken(path: Path, found: str) -> SourceError:
    return SourceError("MP-E222", found, where=str(path), remedy=_FETCH_AGAIN)
