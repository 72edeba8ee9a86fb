"""Budgets and accuracy limits against what was measured. Pure."""
