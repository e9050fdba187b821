"""Signals: what was known about an account before a cutoff."""
