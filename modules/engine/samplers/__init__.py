"""Samplers: each a pure function over (denoise, x, sigmas or timesteps)."""
