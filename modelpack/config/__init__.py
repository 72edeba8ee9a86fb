"""modelpack.toml in, Project out."""
