"""Where scores go: one file per kind of place, listed here."""

from serving.destinations.file import File
from serving.destinations.webhook import Webhook

Place = File | Webhook

DESTINATIONS: tuple[type[Place], ...] = (File, Webhook)
"""Every kind of destination there is."""

__all__ = ["DESTINATIONS", "File", "Place", "Webhook"]
