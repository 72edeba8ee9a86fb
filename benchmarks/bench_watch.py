"""From saving a file to the new manifest being published, under `modelpack watch`, beside a fresh `modelpack build`.

Both get the same changes to examples/digits, in turn: another option of a variant, then another model. A save is a
replaced file, as editors do it; it counts until `manifest.json` has other bytes.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

import onnx
from support import MODELPACK, ROOT, print_table, run, throw_away_project

Change = Callable[[Path, int], tuple[Path, bytes]]

_ROUNDS = 3
_LIMIT_S = 300.0
_MODE = ("--mode", "development")


def main() -> None:
    changes: dict[str, Change] = {
        "an option of one variant": _change_option,
        "the model": _change_model,
    }
    watched: dict[str, list[float]] = {name: [] for name in changes}
    fresh: dict[str, list[float]] = {name: [] for name in changes}
    with throw_away_project() as left, throw_away_project() as right:
        _copy_digits(left)
        _copy_digits(right)
        run((*MODELPACK, "build", *_MODE), right)
        with subprocess.Popen(
            (*MODELPACK, "watch", "--json=stream"),
            cwd=left,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as watch:
            stdin, stdout = cast("IO[str]", watch.stdin), cast("IO[str]", watch.stdout)
            _wait_until_resting(stdout)
            for number in range(_ROUNDS + 1):  # the first warms up
                for name, change in changes.items():
                    watched[name].append(_saved_until_published(left, change, number))
                    _wait_until_resting(stdout)
                    fresh[name].append(_built(right, change, number))
            stdin.close()
    rows = []
    for name in changes:
        warm_s, fresh_s = statistics.median(watched[name][1:]), statistics.median(fresh[name][1:])
        rows.append((name, f"{warm_s:.2f} s", f"{fresh_s:.2f} s", f"{warm_s / fresh_s:.2f}"))
    print_table(
        "examples/digits, 3 variants, --mode development; medians",
        ("what was saved", "watch: save to manifest", "fresh build", "ratio"),
        rows,
    )


def _copy_digits(project: Path) -> None:
    for name in ("models", "golden"):
        shutil.copytree(ROOT / "examples" / "digits" / name, project / name)
    shutil.copy(ROOT / "examples" / "digits" / "modelpack.toml", project)


def _saved_until_published(project: Path, change: Change, number: int) -> float:
    manifest = project / "public" / "models" / "manifest.json"
    before = manifest.read_bytes()
    _save(project, change, number)
    began_s = time.perf_counter()
    while manifest.read_bytes() == before:
        if time.perf_counter() - began_s > _LIMIT_S:
            raise TimeoutError
        time.sleep(0.001)
    return time.perf_counter() - began_s


def _built(project: Path, change: Change, number: int) -> float:
    _save(project, change, number)
    began_s = time.perf_counter()
    run((*MODELPACK, "build", *_MODE), project)
    return time.perf_counter() - began_s


def _save(project: Path, change: Change, number: int) -> None:
    path, content = change(project, number)
    beside = path.with_name(f"{path.name}~")
    beside.write_bytes(content)
    beside.replace(path)


def _change_option(project: Path, number: int) -> tuple[Path, bytes]:
    path = project / "modelpack.toml"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("q4 =")]
    excluded = json.dumps([f"/nowhere{number}"])
    lines.append(f'q4 = {{ device = "wasm", block_size = {16 << (number % 4)} }}  # {excluded}')
    return path, ("\n".join(lines) + "\n").encode()


def _change_model(project: Path, number: int) -> tuple[Path, bytes]:
    path = project / "models" / "digits.onnx"
    model = onnx.load(str(path))
    weights = max(model.graph.initializer, key=lambda each: len(each.raw_data))
    data = bytearray(weights.raw_data)
    data[4 * number] ^= 1
    weights.raw_data = bytes(data)
    return path, model.SerializeToString()


def _wait_until_resting(stream: IO[str]) -> None:
    for line in stream:
        if json.loads(line)["event"] == "waiting":
            return
    raise EOFError


if __name__ == "__main__":
    main()
