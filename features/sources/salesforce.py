"""Salesforce: opportunities, and accounts where they are brought too, as CSV files.

The fields are those of "Opportunity" and "Account" (Salesforce Object Reference), as Data Export and Data Loader write
them (`Opportunity.csv`, `Account.csv`), or with the labels of a report ("Close Date"). Files are told apart by their
name: what has `account` in it holds accounts, every other one opportunities.

The account is the opportunity's Account ID; in a report without one, the Account Name. What makes a contract, and how
a lost renewal ends one, is told in `features.reading.deals`. Contract dates, term, ARR and seats are read from fields
called so, your own (`Contract_End_Date__c`) included.
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


def _own(*names: str) -> tuple[str, ...]:
    """Names of fields a company adds itself: as labels and with the ending of custom fields."""
    return tuple(name + end for name in names for end in ("", "__c"))


DEAL: Final = Deal(
    deal_id=("Id", "Opportunity ID"),
    account_id=("AccountId", "Account ID", "Account Name"),
    account_name=("Account Name", "Account.Name"),
    name=("Name", "Opportunity Name"),
    kind=("Type", "Opportunity Type", "Opportunity Record Type"),
    stage=("StageName", "Stage"),
    amount=("Amount", "Amount (converted)"),
    opened_at=("CreatedDate", "Created Date"),
    closed_at=("CloseDate", "Close Date"),
    won=("IsWon", "Won"),
    closed=("IsClosed", "Closed"),
    starts_on=_own("Contract_Start_Date", "Subscription_Start_Date", "Start_Date", "Service_Date"),
    ends_on=_own("Contract_End_Date", "Subscription_End_Date", "End_Date", "Renewal_Date"),
    months=_own("Contract_Term", "Contract_Term_Months", "Subscription_Term", "Term", "Term_Months"),
    arr=_own("ARR", "Annual_Recurring_Revenue", "ACV", "Annual_Contract_Value"),
    seats=(*_own("Seats", "Licenses", "Number_of_Seats", "Users"), "TotalOpportunityQuantity", "Quantity"),
    plan=_own("Plan", "Edition", "Product", "Subscription_Plan"),
    owner=("Account Owner", "Opportunity Owner", "OwnerId"),
)


@dataclass(frozen=True, kw_only=True)
class Salesforce:
    """A folder of Salesforce CSV files, or one of opportunities. ``grace_days`` is how long a next term may take."""

    folder: Path
    name: str = "salesforce"
    grace_days: int = GRACE_DAYS

    def raw(self, engine: DuckEngine) -> Mapping[str, Raw]:
        """Contracts, opportunities and accounts. Raises SourceError when there is no export or it is empty."""
        records = Export(tool=self.name, folder=self.folder, endings=(".csv",), named=compact).read(engine)
        accounts = (
            "lower(parse_filename(_file)) LIKE '%account%' AND lower(parse_filename(_file)) NOT LIKE '%opportunit%'"
        )
        return raws(records, DEAL, engine, {"deal": f"NOT ({accounts})", "account": accounts}, self.grace_days)
