"""Weights on coarse integer grids: small because their integers have little entropy, good because of how they are rounded.

taps ─ moments ─▶ statistics (what reaches each weight) ─ sensitivity (what an error in it costs)
statistics ─ allocation (a step for each weight) ─ rounding (integers) ─ solve (the coarsest grids within the limits)
"""
