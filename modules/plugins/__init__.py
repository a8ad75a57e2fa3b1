"""Floor 4: the hook table, scripts, and the one loop that dispatches to them."""
