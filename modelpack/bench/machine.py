"""This machine, described as far as it explains a measurement."""

from __future__ import annotations

import platform
from pathlib import Path

from modelpack.cores import usable_cores
from modelpack.digest import digest_json
from modelpack.engine.machine import total_memory_bytes
from modelpack.measured import Machine

_ID_DIGITS = 12


def this_machine() -> Machine:
    """System, processor, cores and memory. Nothing that names the machine or its user."""
    return Machine(
        f"{platform.system()} {platform.machine()}",
        _processor(),
        usable_cores(),
        total_memory_bytes(),
    )


def machine_id(machine: Machine) -> str:
    """What stands for the machine in `modelpack.stats.json`: the same for machines that are alike."""
    return digest_json(machine)[:_ID_DIGITS]


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.lower().startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
