"""What a page downloads: manifest, generated types, atomic emit, pruning of old generations. Runs in the parent."""
