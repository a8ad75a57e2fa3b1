"""Modules that extensions expect of every Python and newer ones lack; found by extensions alone, where the real one is away."""
