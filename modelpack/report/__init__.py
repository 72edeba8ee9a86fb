"""Results as text or JSON. Formats only; the CLI prints."""
