"""Floor 6: one `Session`: settings, model pool, job queue, progress. Importing it imports no torch."""
