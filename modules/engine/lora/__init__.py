"""Changes to a network's weights by low-rank and related files: their mathematics, merging, and the way back."""
