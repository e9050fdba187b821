"""HubSpot: deals, and companies where they are brought too, as CSV files.

The columns are those of "Export your records" and "HubSpot's default deal properties" (HubSpot Knowledge Base): labels
("Close Date") or internal names (`closedate`). Files are told apart by their name: what has `compan` in it holds
companies, every other one deals.

The account is the deal's associated company (its ID; without IDs, its name; of several, the first). What makes a
contract, and how a lost renewal ends one, is told in `features.reading.deals`. Contract dates, term and seats are read
from properties called so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from features.engines.duckdb import DuckEngine
from features.outcomes import GRACE_DAYS
from features.raw import Raw
from features.reading.deals import Deal, raws
from features.reading.records import Export, compact

DEAL: Final = Deal(
    deal_id=("Record ID", "Record ID - Deal", "Deal ID", "hs_object_id"),
    account_id=(
        *("Associated Company IDs", "Associated Company IDs (Primary)", "Company ID", "hs_primary_associated_company"),
        *("Associated Company", "Associated Companies", "Company name"),
    ),
    account_name=("Associated Company", "Associated Company (Primary)", "Associated Companies", "Company name"),
    name=("Deal Name", "dealname"),
    kind=("Deal Type", "dealtype"),
    stage=("Deal Stage", "dealstage"),
    amount=("Amount", "Amount in company currency", "Total contract value", "hs_tcv"),
    opened_at=("Create Date", "createdate"),
    closed_at=("Close Date", "closedate"),
    won=("Is Closed Won", "hs_is_closed_won"),
    closed=("Is Deal Closed?", "Is Closed", "hs_is_closed"),
    starts_on=("Contract Start Date", "Subscription Start Date", "Start Date"),
    ends_on=("Contract End Date", "Subscription End Date", "End Date", "Renewal Date"),
    months=("Contract Term", "Contract Term (Months)", "Term (Months)", "Term", "Contract length"),
    arr=("Annual recurring revenue", "hs_arr", "ARR", "Annual contract value", "hs_acv"),
    seats=("Seats", "Number of Seats", "Licenses", "Users"),
    plan=("Plan", "Product", "Subscription Plan"),
    owner=("Deal owner", "hubspot_owner_id"),
)


@dataclass(frozen=True, kw_only=True)
class HubSpot:
    """A folder of HubSpot CSV files, or one of deals. ``grace_days`` is how long a next term may take."""

    folder: Path
    name: str = "hubspot"
    grace_days: int = GRACE_DAYS

    def raw(self, engine: DuckEngine) -> Mapping[str, Raw]:
        """Contracts, opportunities and accounts. Raises SourceError when there is no export or it is empty."""
        records = Export(tool=self.name, folder=self.folder, endings=(".csv",), named=compact).read(engine)
        companies = "lower(parse_filename(_file)) LIKE '%compan%' AND lower(parse_filename(_file)) NOT LIKE '%deal%'"
        return raws(records, DEAL, engine, {"deal": f"NOT ({companies})", "account": companies}, self.grace_days)
