"""Workers that run in this process and remember what they ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from modelpack.digest import digest_bytes
from modelpack.engine.worker import Call, work
from modelpack.errors import StepError
from modelpack.steps.contract import OutputFile, StepInput, StepOutput

FakeStep = Callable[[StepInput], StepOutput]


class FakeWorkers:
    """Answers calls with the function given for the step's kind; `runs` counts them by step name."""

    def __init__(self, steps: Mapping[str, FakeStep]) -> None:
        self.steps = dict(steps)
        self.runs: Counter[str] = Counter()

    def run(self, call: Call, timeout_s: float) -> object:
        self.runs[call.label] += 1
        assert isinstance(call.argument, StepInput)
        return self.steps[call.module.rpartition(".")[2]](call.argument)

    def take_runs(self) -> dict[str, int]:
        """What ran since this was last asked."""
        runs, self.runs = dict(self.runs), Counter()
        return runs


class InlineWorkers:
    """Runs the real step functions in this process: no spawning, for tests of whole builds."""

    def __init__(self) -> None:
        self.runs: Counter[str] = Counter()

    def run(self, call: Call, timeout_s: float) -> object:
        self.runs[call.label] += 1
        return work(call)


def stamp(role: str) -> FakeStep:
    """A step whose one output follows from its parameters and the content of its inputs."""

    def run(step: StepInput) -> StepOutput:
        content = b"".join(path.read_bytes() for files in step.files for path in files.paths)
        path = step.folder / f"{role}.bin"
        path.write_text(f"{step.params!r} {digest_bytes(content)}")
        return StepOutput((OutputFile(role, path),))

    return run


def constant(role: str, content: bytes) -> FakeStep:
    """A step that gives the same bytes whatever it gets."""

    def run(step: StepInput) -> StepOutput:
        path = step.folder / f"{role}.bin"
        path.write_bytes(content)
        return StepOutput((OutputFile(role, path),))

    return run


def lines(role: str) -> FakeStep:
    """A step that gives one file for each line of its input."""

    def run(step: StepInput) -> StepOutput:
        files = []
        for number, line in enumerate(step.files[0].paths[0].read_bytes().splitlines()):
            path = step.folder / f"{number}.bin"
            path.write_bytes(line)
            files.append(OutputFile(role, path))
        return StepOutput(tuple(files))

    return run


def failing(code: str = "MP-E403", where: str = "test") -> FakeStep:
    """A step that fails."""

    def run(step: StepInput) -> StepOutput:
        raise StepError(code, "it failed", where=where)

    return run
