"""Candidate models, one file per model."""
