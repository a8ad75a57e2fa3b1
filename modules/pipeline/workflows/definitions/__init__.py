"""What nodes there are: names, inputs in order, outputs. No node's work is here, and no torch."""
