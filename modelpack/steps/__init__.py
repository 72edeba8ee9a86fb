"""One file per step kind, each a pure function `run(StepInput) -> StepOutput` that a worker process calls."""
