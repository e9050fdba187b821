"""Claims about Ebb, one line each, all in this folder."""
