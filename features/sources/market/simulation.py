"""A simulated market put together: every table as known at the end of the record, and the truth apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from features.sources.market import truth
from features.sources.market.accounts import accounts_table, draw_accounts
from features.sources.market.billing import costs_table, invoices_table
from features.sources.market.care import opportunities_table, surveys_table, tickets_table, touches_table
from features.sources.market.contracts import contracts_table, draw_contracts
from features.sources.market.faults import inject
from features.sources.market.features import draw_adoption
from features.sources.market.people import draw_stays, users_table
from features.sources.market.rhythm import draw_rhythm
from features.sources.market.settings import MarketSettings
from features.sources.market.usage import events_table


@dataclass(frozen=True, kw_only=True)
class Market:
    """``tables`` by the names of `features.domain`; ``snapshots`` and ``causes`` are the truth, see `truth`.

    ``wants`` says since when each term shows that its account wants more (NaT: it does not), and when the term ends.
    ``facts`` holds what else is so: the end of the record, the days of the outages, the faults injected.
    """

    settings: MarketSettings
    tables: Mapping[str, pd.DataFrame]
    snapshots: pd.DataFrame
    causes: pd.DataFrame
    wants: pd.DataFrame
    facts: Mapping[str, Any]


def simulate(settings: MarketSettings) -> Market:
    """Simulate a market; same settings, same bits. Raises SettingsError for an unknown fault."""
    accounts = draw_accounts(settings)
    contracts = draw_contracts(accounts, settings)
    stays = draw_stays(accounts, contracts, settings)
    rhythm = draw_rhythm(accounts, contracts, settings)
    adoption = draw_adoption(accounts, settings)
    tables = {
        "events": events_table(accounts, contracts, stays, adoption, rhythm, settings),
        "accounts": accounts_table(accounts, settings),
        "contracts": contracts_table(contracts, accounts, settings),
        "users": users_table(stays, accounts, settings),
        "tickets": tickets_table(accounts, contracts, settings),
        "invoices": invoices_table(accounts, contracts, settings),
        "surveys": surveys_table(accounts, contracts, settings),
        "touches": touches_table(accounts, contracts, settings),
        "opportunities": opportunities_table(accounts, contracts, settings),
        "costs": costs_table(accounts, contracts, settings),
    }
    return Market(
        settings=settings,
        tables=inject(tables, settings),
        snapshots=truth.snapshots(contracts, accounts, settings),
        causes=truth.causes(contracts, accounts, settings),
        wants=truth.wants(contracts, accounts, settings),
        facts={
            "first_day": settings.first_day.isoformat(),
            "cutoff": str(settings.first + settings.days),
            "outages": [str(settings.first + day) for day in rhythm.outages],
            "faults": list(settings.faults),
        },
    )
