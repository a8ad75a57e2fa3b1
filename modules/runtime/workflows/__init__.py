"""Opening and running workflows in a session."""
