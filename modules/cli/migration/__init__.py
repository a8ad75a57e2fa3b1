"""Moving here from A1111 or Forge: what of an installation will work, and taking over its settings, styles and models."""
