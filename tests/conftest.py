"""What holds for all tests."""

from __future__ import annotations

import os

from hypothesis import settings

# The same examples every time: a red test is about the change at hand. HYPOTHESIS_PROFILE=explore looks for new ones.
settings.register_profile("repeatable", derandomize=True)
settings.register_profile("explore", max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
