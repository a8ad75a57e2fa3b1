"""What `launch.py` does before and around the program: environment, assets, verbs. Standard library only."""
