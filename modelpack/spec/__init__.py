"""What a project asks for: pure values, no behaviour."""
