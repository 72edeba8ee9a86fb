"""Where a model comes from, and which bytes it is."""
