"""LoRA files on disk: found, read safely, and merged into a loaded model."""
