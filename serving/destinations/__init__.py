"""Where scores go: one file per kind of place, listed here."""

from serving.destinations.calendar import Calendar
from serving.destinations.email import Email
from serving.destinations.file import File
from serving.destinations.hubspot import HubSpot
from serving.destinations.salesforce import Salesforce
from serving.destinations.slack import Slack
from serving.destinations.webhook import Webhook

Place = File | Calendar | Webhook | Salesforce | HubSpot | Slack | Email

DESTINATIONS: tuple[type[Place], ...] = (File, Calendar, Webhook, Salesforce, HubSpot, Slack, Email)
"""Every kind of destination there is."""

__all__ = ["DESTINATIONS", "Calendar", "Email", "File", "HubSpot", "Place", "Salesforce", "Slack", "Webhook"]
