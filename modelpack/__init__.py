"""modelpack: the bundler for AI models in the browser."""

__all__ = ["__version__"]

__version__ = "0.1.0"
