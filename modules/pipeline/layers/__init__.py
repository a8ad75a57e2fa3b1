"""A picture as named RGBA layers: the document, taking apart, changing one layer, putting together, exchange with other programs."""
