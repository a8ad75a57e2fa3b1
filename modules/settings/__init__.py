"""Floor 1: typed options and command-line flags."""
