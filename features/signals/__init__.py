"""The catalogue, one file per family."""
