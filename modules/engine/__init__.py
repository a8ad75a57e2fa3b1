"""Torch, pure: noise, schedules, samplers, guidance, prompts to conditioning, preview. Knows no settings and no files."""
