"""Floor 1: Pillow and NumPy; geometry, resize, masks, fills, compose, colour, metadata, saving."""
