"""Floor 0: standard library only; what every other floor may lean on."""
