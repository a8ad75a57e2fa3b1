"""Floor 7: entrances without a page: one picture or a folder from the command line, and the generated documentation."""
