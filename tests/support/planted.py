"""Things that can lie where a blob of `abc` should be."""

from __future__ import annotations

import os
from pathlib import Path


def plant_folder(place: Path) -> None:
    place.mkdir()
    (place / "file").write_bytes(b"abc")


def plant_link(place: Path) -> None:
    target = place.parent / "target"
    target.write_bytes(b"abc")
    place.symlink_to(target)


def plant_dangling_link(place: Path) -> None:
    place.symlink_to("nowhere")


def plant_hard_link(place: Path) -> None:
    target = place.parent / "target"
    target.write_bytes(b"abc")
    os.link(target, place)


def plant_pipe(place: Path) -> None:
    os.mkfifo(place)


def plant_empty_file(place: Path) -> None:
    place.write_bytes(b"")


def plant_other_content(place: Path) -> None:
    place.write_bytes(b"abd")


def plant_longer_content(place: Path) -> None:
    place.write_bytes(b"abcabc")


SHAPES = [plant_folder, plant_link, plant_dangling_link, plant_hard_link, plant_pipe]
CONTENTS = [plant_empty_file, plant_other_content, plant_longer_content]
