"""The error of a golden set that needs a package which is not installed."""

from __future__ import annotations

from modelpack.errors import StepError


def missing_package(what: str, package: str) -> StepError:
    """MP-E404, with the command that installs it."""
    return StepError(
        "MP-E404",
        f"golden {what} need the package {package}",
        where="golden.samples",
        remedy="pip install 'modelpack[golden]'",
    )
