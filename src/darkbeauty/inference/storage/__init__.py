"""A run on disk, while it runs and when it is done."""
