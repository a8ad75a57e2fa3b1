"""Networks that enlarge pictures: reading their files, running them in tiles, and the list of all upscalers."""
