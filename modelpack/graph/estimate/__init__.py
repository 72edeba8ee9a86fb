"""What a variant will weigh and lose, from its weights on the recipe's grid: no recipe is run, nothing large compressed."""
