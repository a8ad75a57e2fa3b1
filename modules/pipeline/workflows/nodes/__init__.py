"""What nodes do, in torch; found by the dotted names of their definitions."""
