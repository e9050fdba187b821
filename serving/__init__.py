"""Plays: what a person does when a score and its drivers call for it."""
