"""Prompt text to conditioning: editing over time, emphasis, chunks of 75 tokens."""
