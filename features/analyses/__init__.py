"""Questions about the whole book."""
