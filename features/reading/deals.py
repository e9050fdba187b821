"""Contracts, opportunities and accounts from the deals of a CRM.

A closed-won deal is a contract, unless its type says that it only adds to one (expansion, upsell, add-on). It starts
on its start date, else on its close date; it ends on its end date, else after its term in months, else after a year. A
renewal that was closed lost ends the account's contract whose end is nearest: churned, decided on the day it was lost.
Every other deal that is not a new contract or a renewal, won or not, is an opportunity; so is a new deal that is open
or lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from features.engines.duckdb import DuckEngine
from features.raw import Raw, sharing
from features.reading import terms
from features.reading.records import Records, at, compact, first

NEAR_DAYS: Final = 120
"""A lost renewal belongs to a contract that ends within so many days of it."""

YEAR_MONTHS: Final = 12
"""The term of a deal that tells neither its end nor its term."""

MONTH_DAYS: Final = 30.4375
"""Days of a mean month."""

WORDS: Final = {
    "renewal": "renew",
    "addition": "expan|up-?sell|add-?on|cross-?sell|upgrade",
    "won": "closed ?-? ?won|^won$",
    "closed": "closed|^won$|^lost$",
}
"""What the type (without one, the name) of a deal and its stage say, as patterns."""


@dataclass(frozen=True, kw_only=True)
class Deal:
    """How one deal is read: for each field the labels and names it goes by, the first that is given counts.

    They are compared without case, blanks and underscores, so that labels of reports and names of the interface agree.
    """

    deal_id: tuple[str, ...]
    account_id: tuple[str, ...]
    account_name: tuple[str, ...]
    name: tuple[str, ...]
    kind: tuple[str, ...]
    stage: tuple[str, ...]
    amount: tuple[str, ...]
    opened_at: tuple[str, ...]
    closed_at: tuple[str, ...]
    won: tuple[str, ...]
    closed: tuple[str, ...]
    starts_on: tuple[str, ...]
    ends_on: tuple[str, ...]
    months: tuple[str, ...]
    arr: tuple[str, ...]
    seats: tuple[str, ...]
    plan: tuple[str, ...]
    owner: tuple[str, ...]
    email: tuple[str, ...] = ()


def raws(
    records: Records, deal: Deal, engine: DuckEngine, parts: Mapping[str, str], grace_days: int
) -> Mapping[str, Raw]:
    """The tables contracts, opportunities and accounts; ``parts`` gives the SQL conditions of `deal` and `account`.

    ``grace_days`` is how long a next term may take to make the one before renewed.
    """
    deals = f"_deals_{records.tool}"
    cells = ", ".join(f"{_named(getattr(deal, item.name))} AS {item.name}" for item in fields(deal))
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE {deals}_text AS SELECT _file, _row, line, {cells} FROM {records.table} "
        f"WHERE {parts['deal']}"
    )
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {deals} AS {_read(f'{deals}_text')}")
    engine.execute(f"DROP TABLE {deals}_text")
    found = {
        "contracts": Raw(
            sql=_contracts(deals, grace_days),
            columns=terms.COLUMNS,
            broken=records.broken if engine.rows(f"SELECT 1 FROM {records.lines} LIMIT 1") else None,
            unmapped=_unmapped(deals, engine),
        ),
        "opportunities": _opportunities(deals),
        "accounts": _accounts(deals, records, parts["account"]),
    }
    return sharing(found, (deals, records.table, records.lines))


def _named(names: tuple[str, ...]) -> str:
    return first("NULL", *(at(compact(name)) for name in names))


def number(text: str) -> str:
    """The SQL of a number as a report writes it: ``USD 12,500.00`` is 12500."""
    return f"TRY_CAST(regexp_replace({text}, '[^0-9.eE+-]', '', 'g') AS DOUBLE)"


def day(text: str) -> str:
    """The SQL of a date as reports write it: ISO, or month/day/year; a time zone is minded."""
    american = f"TRY_CAST(try_strptime(split_part({text}, ' ', 1), '%m/%d/%Y') AS DATE)"
    zoned = f"regexp_matches({text}, '[0-9]:[0-9][0-9].*([zZ]|[+-][0-9]+:?[0-9]*)$')"
    plain = f"coalesce(TRY_CAST({text} AS DATE), {american})"
    return f"CASE WHEN {zoned} THEN TRY_CAST({text} AS TIMESTAMPTZ)::TIMESTAMP::DATE ELSE {plain} END"


def _flag(text: str) -> str:
    yes, no = (f"lower({text}) IN {values}" for values in (("1", "true", "yes"), ("0", "false", "no")))
    return f"CASE WHEN {yes} THEN true WHEN {no} THEN false END"


def _read(texts: str) -> str:
    """Each deal with typed cells, what it is, and the texts of the cells that are no date or number."""
    kind = "lower(coalesce(kind, name, ''))"
    start = f"CASE WHEN starts_on IS NULL THEN {day('closed_at')} ELSE {day('starts_on')} END"
    length = f"coalesce(round({number('months')}), {YEAR_MONTHS})"
    return f"""
    WITH typed AS (
      SELECT * EXCLUDE (starts_on, ends_on, amount, arr, seats, months, won, closed),
        {start} AS starts_on, {day("closed_at")} AS closed_on, {day("opened_at")} AS opened_on,
        CASE WHEN ends_on IS NULL THEN ({start} + to_months({length}::INTEGER))::DATE
          ELSE {day("ends_on")} END AS ends_on,
        {number("amount")} AS amount, {number("seats")} AS seats, {number("arr")} AS told_arr,
        CASE WHEN ends_on IS NULL THEN {length} END AS told_months,
        starts_on AS start_text, ends_on AS end_text, coalesce(arr, amount) AS arr_text,
        coalesce({_flag("won")}, regexp_matches(lower(stage), '{WORDS["won"]}')) IS TRUE AS won,
        coalesce({_flag("closed")}, regexp_matches(lower(stage), '{WORDS["closed"]}')) IS TRUE AS closed,
        regexp_matches({kind}, '{WORDS["renewal"]}') AS is_renewal,
        regexp_matches({kind}, '{WORDS["addition"]}') AS is_addition FROM {texts})
    SELECT * EXCLUDE (closed, told_arr, told_months), closed AND NOT won AS lost,
      won AND (is_renewal OR NOT is_addition) AS is_term,
      coalesce(told_arr, amount * {YEAR_MONTHS}
        / greatest(1, coalesce(told_months, round(date_diff('day', starts_on, ends_on) / {MONTH_DAYS})))) AS arr
    FROM typed"""


def _terms(held: str, lost: str) -> str:
    """Terms with the day the renewal of each was lost."""
    return f"""
    SELECT h.deal_id AS contract_id, h.account_id, h.starts_on, h.ends_on, h.arr, h.seats, h.plan,
      NULL::VARCHAR AS billing_period, NULL::BOOLEAN AS auto_renew,
      coalesce(h.closed_on, h.starts_on)::TIMESTAMP AS known_at, l.lost_on, h._file, h._row,
      h.start_text, h.end_text, h.arr_text
    FROM ({held}) h LEFT JOIN (
      SELECT x.deal_id, min(r.closed_on) AS lost_on FROM ({held}) x JOIN ({lost}) r ON r.account_id = x.account_id
       AND r.closed_on > x.starts_on AND abs(date_diff('day', x.ends_on, r.due)) <= {NEAR_DAYS}
      GROUP BY x.deal_id) l USING (deal_id)
    WHERE h.account_id IS NOT NULL"""


def _contracts(deals: str, grace_days: int) -> str:
    """Contracts with their outcomes; a text that is no date or number stays, for intake to say so."""
    lost = f"SELECT account_id, closed_on, coalesce(starts_on, closed_on) AS due FROM {deals} WHERE is_renewal AND lost"
    days = f"SELECT closed_on AS day FROM {deals} WHERE won OR lost UNION ALL SELECT opened_on FROM {deals}"
    through = f"(SELECT coalesce(max(day), DATE '1970-01-01') FROM ({days}))"
    shown = ", ".join(
        f"coalesce({column}::VARCHAR, {text}) AS {column}"
        for column, text in (("starts_on", "start_text"), ("ends_on", "end_text"), ("arr", "arr_text"))
    )
    held = f"SELECT * FROM {deals} WHERE is_term"
    return f"SELECT * REPLACE ({shown}) FROM ({terms.decided(_terms(held, lost), through, grace_days)})"


def _opportunities(deals: str) -> Raw:
    columns = ("opportunity_id", "account_id", "opened_at", "stage", "amount", "closed_at", "won")
    sql = f"""
    SELECT deal_id AS opportunity_id, account_id, stage, amount,
      coalesce(opened_on::VARCHAR, opened_at, closed_on::VARCHAR) AS opened_at,
      CASE WHEN won OR lost THEN closed_on END AS closed_at,
      CASE WHEN won THEN true WHEN lost THEN false END AS won, _file, _row
    FROM {deals} WHERE NOT is_term AND account_id IS NOT NULL"""
    return Raw(sql=sql, columns=columns)


def _accounts(deals: str, records: Records, accounts: str) -> Raw:
    """Accounts of an export of accounts where there is one, and those that only deals name."""
    told = {
        "account_id": ("id", "accountid", "recordid", "companyid", "hsobjectid"),
        "name": ("name", "accountname", "companyname"),
        "segment": ("segment", "segmentc", "customersegment", "tier", "tierc", "customerprioritytierc"),
        "owner": ("csm", "csmc", "customersuccessmanager", "owner", "accountowner", "companyowner", "ownerid"),
        "created_at": ("createddate", "createdate", "created"),
        "industry": ("industry",),
        "region": ("region", "regionc", "billingcountry", "country", "countryregion"),
    }
    cells = ", ".join(f"{first('NULL', *(at(key) for key in keys))} AS {name}" for name, keys in told.items())
    sql = f"""
    WITH told AS (SELECT {cells}, _file, _row FROM {records.table} WHERE {accounts})
    SELECT * FROM told
    UNION ALL BY NAME
    SELECT account_id, arg_max(account_name, closed_on) AS name, arg_max(owner, closed_on) AS owner,
      min((_file, _row))[1] AS _file, min((_file, _row))[2] AS _row FROM {deals}
    WHERE account_id IS NOT NULL AND account_id NOT IN (
      SELECT account_id FROM told WHERE account_id IS NOT NULL)
    GROUP BY account_id"""
    return Raw(sql=sql, columns=tuple(told))


def _unmapped(deals: str, engine: DuckEngine) -> str | None:
    query = (
        "SELECT _file, _row, line AS _line, "
        "'deal ' || coalesce(deal_id, 'without an id') || ' names no account' AS reason "
        f"FROM {deals} WHERE account_id IS NULL"
    )
    return query if engine.rows(f"SELECT 1 FROM ({query}) LIMIT 1") else None
