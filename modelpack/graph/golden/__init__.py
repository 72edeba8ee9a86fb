"""Golden samples: reading them from what a user gave, fitting them to a model's inputs, splitting and storing them."""
