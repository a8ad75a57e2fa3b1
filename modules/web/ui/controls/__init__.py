"""Groups of widgets that several tabs share; each `build_*` returns its widgets by field name."""
