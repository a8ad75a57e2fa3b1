"""Floor 3: checkpoints on disk, turned into models that `engine` can run; nothing here asks a hub."""
