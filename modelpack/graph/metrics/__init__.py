"""How far a variant is from what it is compared with: one file for each metric, and the table of them."""
