"""Rewrites of graphs, one to a file. Each gives back the model and whether it changed anything."""
