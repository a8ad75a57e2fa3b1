"""Every result with its inputs and settings: an SQLite database beside the `AssetStore`, and the jobs that outlive the program."""
