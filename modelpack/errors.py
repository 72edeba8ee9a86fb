"""Every way modelpack can fail, as types: each carries a code, a place, what was found, and the next action.

An error prints as one line, `MP-E111 modelpack.toml:12 models.bert: unknown key "quantise" — did you mean …`.
Codes are stable: documentation, tests and users refer to them. `CODES` is the list; a test holds it complete.
"""

from __future__ import annotations

from typing import ClassVar

CODES = {
    "MP-E101": "the command line cannot be understood",
    "MP-E102": "no modelpack.toml was found",
    "MP-E103": "the configuration file cannot be read",
    "MP-E105": "a port is in use",
    "MP-E106": "a command needs an optional package",
    "MP-E110": "the configuration is not valid TOML",
    "MP-E111": "unknown key",
    "MP-E112": "a value has the wrong type or form",
    "MP-E113": "two settings contradict each other",
    "MP-E114": "a path leaves the workspace",
    "MP-E115": "a required key is missing",
    "MP-E116": "a name selects nothing in the configuration",
    "MP-E201": "a source file does not exist",
    "MP-E202": "the file is a git-lfs pointer",
    "MP-E203": "the file is an HTML page",
    "MP-E204": "the file is empty",
    "MP-E205": "the file is cut off or is not an ONNX model",
    "MP-E206": "the file is a safetensors checkpoint",
    "MP-E207": "the file is a PyTorch checkpoint",
    "MP-E208": "the file is of a kind modelpack does not read",
    "MP-E209": "a source file cannot be read",
    "MP-E210": "the opset is not supported",
    "MP-E211": "the IR version is not supported",
    "MP-E212": "an operator domain is missing from onnxruntime-web",
    "MP-E213": "an operator is unknown",
    "MP-E220": "an npm package or a file in it was not found",
    "MP-E221": "a Python package or a file in it was not found",
    "MP-E222": "a checkpoint folder is not whole",
    "MP-E230": "a source kept changing during the build",
    "MP-E240": "a source cannot be downloaded",
    "MP-E241": "a downloaded file is not the one that was pinned",
    "MP-E242": "a source is not pinned",
    "MP-E310": "an external data location is not allowed",
    "MP-E311": "an external data file is missing or is not a regular file",
    "MP-E312": "an external tensor's extent does not fit",
    "MP-E320": "a tensor or value of the graph is malformed",
    "MP-E321": "the graph has no such input, output or dimension",
    "MP-E322": "a weight is not finite",
    "MP-E323": "a state's input and output do not agree",
    "MP-E401": "a worker process died",
    "MP-E402": "a step exceeded its time limit",
    "MP-E403": "a step failed",
    "MP-E404": "a step needs an optional package",
    "MP-E450": "a recipe changed nothing in the model",
    "MP-E451": "a recipe does not suit the model",
    "MP-E452": "no variant that was tried meets the accuracy limits",
    "MP-E453": "a node does not run on the device, or falls back to another",
    "MP-E454": "a variant does not run in a real browser as it should",
    "MP-E460": "a checkpoint cannot be exported",
    "MP-E461": "an exported model differs from its checkpoint",
    "MP-E462": "a downloaded graph lacks its data files",
    "MP-E463": "a function of the project fails",
    "MP-E464": "a TensorFlow Lite model cannot be converted",
    "MP-E501": "a golden set cannot be read",
    "MP-E502": "a golden sample does not fit the model's inputs",
    "MP-E503": "a metric does not suit the model",
    "MP-E504": "labels cannot be read or do not fit the samples",
    "MP-E505": "a metric of the project fails",
    "MP-E510": "an accuracy limit does not hold",
    "MP-E601": "a budget is exceeded",
    "MP-E602": "a limit was not measured",
    "MP-E610": "a baseline or stats file is malformed",
    "MP-E611": "there is nothing to compare",
    "MP-E612": "the HTML report needs an optional package",
    "MP-E701": "a stored file is corrupt",
    "MP-E702": "a file cannot be written",
    "MP-E703": "a stored file cannot be opened",
    "MP-E710": "a manifest is malformed",
    "MP-E711": "a published file is missing or corrupt",
    "MP-E720": "--frozen, and something is out of date",
    "MP-E721": "modelpack.lock is missing or out of date",
    "MP-E801": "Playwright is not installed",
    "MP-E802": "a browser is missing or does not start",
    "MP-E803": "a part of the measuring page is missing",
    "MP-E804": "a variant cannot be measured",
    "MP-E900": "internal error",
}


class ModelpackError(Exception):
    """A known failure. `message` says what was found and expected; `remedy` what to do; `where` the file, key or tensor."""

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, message: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(code, message, where, remedy)
        self.code = code
        self.message = message
        self.where = where
        self.remedy = remedy
        self.others: tuple[ModelpackError, ...] = ()  # what else is wrong with the same file
        self.details = ""  # a traceback, where a library surprised us; shown with --debug

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f" — {self.remedy}" if self.remedy else ""
        return f"{self.code} {place}{self.message}{remedy}"

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders: keyword-only arguments need help to be pickled.
        return (
            _rebuild,
            (type(self), self.code, self.message, self.where, self.remedy),
            self.__dict__,
        )


class UsageError(ModelpackError):
    """The command line or the configuration is wrong."""

    exit_code = 2


class SourceError(ModelpackError):
    """A model file is not what it should be."""


class SourceUnreachableError(ModelpackError):
    """A source cannot be reached at all: a package is not installed, a host does not answer."""

    exit_code = 6


class StepError(ModelpackError):
    """A step could not do its work."""


class CompatibilityError(StepError):
    """onnxruntime-web would not run a variant where it is meant to run."""

    exit_code = 4


class WorkerError(StepError):
    """A worker process died or ran out of time."""


class StoreError(ModelpackError):
    """A stored file is corrupt or cannot be written."""


class ManifestError(ModelpackError):
    """A manifest, or a file it names, is not what it should be."""


class BenchError(ModelpackError):
    """Something cannot be measured here."""


class FrozenError(ModelpackError):
    """`--frozen` was asked for and the published files are not what a build would give."""

    exit_code = 5


class InternalError(ModelpackError):
    """A bug in modelpack."""

    exit_code = 7


def _rebuild(
    kind: type[ModelpackError], code: str, message: str, where: str, remedy: str
) -> ModelpackError:
    return kind(code, message, where=where, remedy=remedy)
