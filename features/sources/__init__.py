"""Where facts come from: one file or folder per kind of place, listed here."""

from features.raw import Raw, Source
from features.sources.amplitude import Amplitude
from features.sources.database import Database
from features.sources.files import Files
from features.sources.hubspot import HubSpot
from features.sources.mixpanel import Mixpanel
from features.sources.posthog import PostHog
from features.sources.salesforce import Salesforce
from features.sources.segment import Segment
from features.sources.simulated import Simulated
from features.sources.snowplow import Snowplow
from features.sources.stripe import Stripe

Export = Segment | PostHog | Amplitude | Mixpanel | Snowplow | Salesforce | HubSpot | Stripe

EXPORTS: tuple[type[Export], ...] = (Segment, PostHog, Amplitude, Mixpanel, Snowplow, Salesforce, HubSpot, Stripe)
"""Exports of other tools, read as those write them: each wants a folder and nothing else."""

AGREEMENTS: tuple[type[Salesforce | HubSpot | Stripe], ...] = (Salesforce, HubSpot, Stripe)
"""Those that tell of contracts, and how each ended within the grace days."""

SOURCES: tuple[type[Source], ...] = (Files, Database, *EXPORTS, Simulated)
"""Every source there is."""

__all__ = [
    "AGREEMENTS",
    "EXPORTS",
    "SOURCES",
    "Amplitude",
    "Database",
    "Export",
    "Files",
    "HubSpot",
    "Mixpanel",
    "PostHog",
    "Raw",
    "Salesforce",
    "Segment",
    "Simulated",
    "Snowplow",
    "Source",
    "Stripe",
]
