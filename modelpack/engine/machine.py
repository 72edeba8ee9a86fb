"""What of this machine can change a result: tool versions and the processor; and how much of it a build may use."""

from __future__ import annotations

import os
import platform
import zlib
from functools import cache
from importlib import metadata
from pathlib import Path

from modelpack.planned import StepKind
from modelpack.steps.catalog import CATALOG
from modelpack.units import GIB, MIB

# The extensions for which onnxruntime's CPU kernels choose different arithmetic (MLAS dispatch).
_KERNEL_FLAGS = (
    "avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8",
    "asimd", "asimddp", "i8mm", "bf16", "sve",
)  # fmt: skip
_MISSING = "not installed"


def tool_versions(kind: StepKind) -> tuple[tuple[str, str], ...]:
    """The version of each distribution that steps of this kind use, and of the zlib that Python was started with."""
    return tuple((name, _version(name)) for name in CATALOG[kind].tools)


def numeric_platform(kind: StepKind) -> str:
    """The processor and provider, for steps whose numbers depend on them; empty for all others."""
    return f"{_processor()} CPUExecutionProvider" if CATALOG[kind].numeric else ""


def usable_memory_bytes() -> int:
    """The memory that is free now, less a margin for everything else on the machine."""
    margin_bytes = 512 * MIB
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return max(int(line.split()[1]) * 1024 - margin_bytes, margin_bytes)
    return total_memory_bytes() // 2


def total_memory_bytes() -> int:
    """The memory of the machine, in whole gigabytes: what the system keeps for itself differs from start to start."""
    try:
        total_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 8 * GIB  # Windows has no sysconf; a small front-end machine
    return max(1, round(total_bytes / GIB)) * GIB


@cache
def _version(tool: str) -> str:
    if tool == "zlib":
        return zlib.ZLIB_RUNTIME_VERSION  # zlib-ng, which some Pythons have, gives other bytes
    try:
        return metadata.version(tool)
    except metadata.PackageNotFoundError:
        return _MISSING


@cache
def _processor() -> str:
    flags = _processor_flags()
    known = "+".join(flag for flag in _KERNEL_FLAGS if flag in flags)
    return f"{platform.machine().lower()} {known or platform.processor()}".strip()


def _processor_flags() -> frozenset[str]:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return frozenset()
    for line in cpuinfo.read_text().splitlines():
        if line.lower().startswith(("flags", "features")):
            return frozenset(line.split(":", 1)[1].split())
    return frozenset()
