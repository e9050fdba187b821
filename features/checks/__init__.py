"""What can be wrong beyond a single row, one file per concern."""
