"""Carries a plan out: doit schedules, keys decide, workers work, the store remembers."""
