"""Stripe: subscriptions, invoices and customers as the API lists them, in JSON files.

The objects are those of "The Subscription object", "The Invoice object" and "The Customer object" (Stripe API
Reference). Bring the pages of list objects (`{"object": "list", "data": […]}`), arrays, or one object per line.

The account is `metadata.account_id` (or another of ACCOUNT_KEYS in `features.reading.behaviour`) of the subscription
or invoice, else of its customer, else the customer's id. Every billing period of a subscription is a contract, from
the end of its trial on; amounts are cents and become a year's revenue (monthly x 12), by the invoice of the period
where there is one, else by the price; seats are the quantity. Plan and, without an invoice, price and quantity are
those of today for every period, for Stripe keeps no others. A cancelled subscription's last period is churned from the
day it was cancelled (`canceled_at`), unless another subscription follows. Drafts, voided invoices and subscriptions
never paid are set aside.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from features.engines.duckdb import DuckEngine, quoted
from features.outcomes import GRACE_DAYS
from features.raw import Raw, sharing
from features.reading import terms
from features.reading.behaviour import account_of
from features.reading.records import Export, Records, at, first, json_at

WHOLE_CURRENCIES: Final = (
    *("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"),
)
"""Currencies whose amounts are not in hundredths ("Supported currencies")."""

YEAR_DAYS: Final = 365.25

UNPAID: Final = ("incomplete", "incomplete_expired")
NOT_SENT: Final = ("draft", "void")


def _time(*keys: str, of: str = "line") -> str:
    """A time of Stripe's, in seconds since 1970, as a UTC timestamp."""
    return f"make_timestamp(TRY_CAST({at(*keys, of=of)} AS BIGINT) * 1000000)"


def _money(text: str) -> str:
    whole = ", ".join(quoted(currency) for currency in WHOLE_CURRENCIES)
    return f"(TRY_CAST({text} AS DOUBLE) / CASE WHEN lower({at('currency')}) IN ({whole}) THEN 1 ELSE 100 END)"


ITEM: Final = json_at("items", "data", "0")
PRICE: Final = f"coalesce({json_at('price', of=ITEM)}, {json_at('plan', of=ITEM)}, {json_at('plan')})"
UNIT: Final = first(at("recurring", "interval", of=PRICE), at("interval", of=PRICE))
COUNTED: Final = first(at("recurring", "interval_count", of=PRICE), at("interval_count", of=PRICE))
COUNT: Final = f"coalesce(TRY_CAST({COUNTED} AS INTEGER), 1)"
MONTHS: Final = f"CASE {UNIT} WHEN 'year' THEN 12 WHEN 'month' THEN 1 END * {COUNT}"
DAYS: Final = f"CASE {UNIT} WHEN 'week' THEN 7 WHEN 'day' THEN 1 END * {COUNT}"
NAMES: Final = (("nickname",), ("lookup_key",), ("product", "name"), ("product",), ("id",))
PLAN: Final = first(*(at(*keys, of=PRICE) for keys in NAMES))
CUSTOMER: Final = first(at("customer", "id"), at("customer"))


@dataclass(frozen=True, kw_only=True)
class Stripe:
    """A folder of Stripe's lists. ``grace_days`` is how long a next term may take."""

    folder: Path
    name: str = "stripe"
    grace_days: int = GRACE_DAYS

    def raw(self, engine: DuckEngine) -> Mapping[str, Raw]:
        """Contracts, invoices and accounts. Raises SourceError when there is no export or it is empty."""
        records = Export(tool=self.name, folder=self.folder, endings=(".json", ".jsonl", ".ndjson")).read(engine)
        held = {part: f"_{part}_{self.name}" for part in ("customers", "subscriptions", "billed", "terms")}
        for part, query in (("customers", _customers), ("billed", _billed), ("subscriptions", _subscriptions)):
            engine.execute(f"CREATE OR REPLACE TEMP TABLE {held[part]} AS {query(records, held)}")
        engine.execute(f"CREATE OR REPLACE TEMP TABLE {held['terms']} AS {_terms(held)}")
        days = f"SELECT issued_at AS day FROM {held['billed']} UNION ALL SELECT newest FROM {held['subscriptions']}"
        through = f"(SELECT max(day)::DATE FROM ({days}))"
        found = {
            "contracts": Raw(
                sql=terms.decided(f"SELECT * FROM {held['terms']}", through, self.grace_days),
                columns=terms.COLUMNS,
                broken=_broken(records, held, engine),
            ),
            "accounts": _accounts(held),
        }
        if engine.rows(f"SELECT 1 FROM {held['billed']} LIMIT 1"):
            found["invoices"] = _invoices(held)
        return sharing(found, (*held.values(), records.table, records.lines))


def _customers(records: Records, _: Mapping[str, str]) -> str:
    return f"""SELECT _file, _row, {at("id")} AS customer,
      coalesce({account_of(json_at("metadata"))}, {at("id")}) AS account_id,
      {first(at("name"), at("description"), at("email"))} AS name, {_time("created")} AS created_at,
      {at("metadata", "segment")} AS segment, {at("metadata", "owner")} AS owner
    FROM {records.table} WHERE {at("object")} = 'customer'"""


def _account(held: Mapping[str, str], customer: str, places: str) -> str:
    """The account of an object: its own metadata, its customer's, the customer."""
    theirs = f"SELECT any_value(c.account_id) FROM {held['customers']} c WHERE c.customer = {customer}"
    return f"coalesce({places}, ({theirs}), {customer})"


def _billed(records: Records, held: Mapping[str, str]) -> str:
    """Invoices with the subscription and the period they bill; ``billed`` is what the period itself costs."""
    details = ("parent", "subscription_details")
    subscription = first(at("subscription", "id"), at("subscription"), at(*details, "subscription"))
    whole = (
        "json_extract_string(x, '/proration') IS DISTINCT FROM 'true' AND json_extract_string(x, '/period/end') <> ''"
    )
    lines = f"list_filter(json_extract({json_at('lines')}, '$.data[*]'), lambda x: {whole})"
    costs = f"list_sum(list_transform({lines}, lambda x: CAST(json_extract_string(x, '/amount') AS DOUBLE)))"
    return f"""
    SELECT _file, _row, line, {at("id")} AS invoice_id, {at("status")} AS status, {subscription} AS subscription,
      {_account(held, CUSTOMER, account_of(json_at("metadata"), json_at(*details, "metadata")))} AS account_id,
      coalesce({_time("status_transitions", "finalized_at")}, {_time("effective_at")}, {_time("created")}) AS issued_at,
      {_money(first(at("total"), at("amount_due")))} AS amount, {_time("due_date")} AS due_at,
      CASE WHEN {at("status")} = 'paid' OR {at("paid")} = 'true' THEN coalesce({_time("status_transitions", "paid_at")},
        {_time("created")}) END AS paid_at,
      {_time("period", "start", of=f"{lines}[1]")} AS period_start, {_money(costs)} AS billed,
      TRY_CAST({at("quantity", of=f"{lines}[1]")} AS DOUBLE) AS quantity
    FROM {records.table} WHERE {at("object")} = 'invoice'"""


def _subscriptions(records: Records, held: Mapping[str, str]) -> str:
    price = first(at("unit_amount", of=PRICE), at("unit_amount_decimal", of=PRICE), at("amount", of=PRICE))
    quantity = f"coalesce(TRY_CAST({first(at('quantity', of=ITEM), at('quantity'))} AS DOUBLE), 1)"
    ends = f"coalesce({_time('current_period_end')}, {_time('current_period_end', of=ITEM)})"
    started = f"coalesce({_time('start_date')}, {_time('created')})"
    return f"""
    SELECT _file, _row, line, {at("id")} AS subscription, {at("status")} AS status,
      {_account(held, CUSTOMER, account_of(json_at("metadata")))} AS account_id,
      greatest({started}, {_time("trial_end")}) AS started, {ends} AS period_end, {_time("ended_at")} AS ended,
      {_time("canceled_at")} AS cancelled, {MONTHS} AS months,
      {DAYS} AS days, {UNIT} AS unit, {COUNT} AS "count",
      {_money(price)} * {quantity} AS price, {quantity} AS quantity,
      {PLAN} AS plan,
      greatest({started}, {_time("canceled_at")}, {_time("ended_at")},
        CASE WHEN {at("status")} IN ('active', 'past_due', 'unpaid')
          THEN {ends} - to_months(coalesce({MONTHS}, 0)) - to_days(coalesce({DAYS}, 0)) END) AS newest
    FROM {records.table} WHERE {at("object")} = 'subscription'"""


def _terms(held: Mapping[str, str]) -> str:
    """Every period that had begun: from the start (after a trial) step by step to the end."""
    step = "to_months((coalesce(months, 0) * k)::INTEGER) + to_days((coalesce(days, 0) * k)::INTEGER)"
    following = step.replace("* k", "* (k + 1)")
    # A subscription of days has at most so many periods in its life; months are never shorter than 28 days.
    most = "(1 + date_diff('day', started, stops) / greatest(1, coalesce(28 * months, days)))::BIGINT"
    year = f"coalesce(12.0 / months, {YEAR_DAYS} / days)"
    return f"""
    WITH lives AS (
      SELECT *, coalesce(ended, period_end) AS stops FROM {held["subscriptions"]}
      WHERE status NOT IN {UNPAID} AND coalesce(months, days) > 0),
    periods AS (
      SELECT *, started + {step} AS begins, started + {following} AS finishes
      FROM (SELECT *, unnest(range(0, {most})) AS k FROM lives WHERE started < stops)),
    begun AS (
      SELECT *, begins = max(begins) OVER (PARTITION BY subscription) AS is_last FROM periods WHERE begins < stops)
    SELECT p.subscription || '-' || strftime(begins, '%Y%m%d') AS contract_id, p.account_id, begins::DATE AS starts_on,
      finishes::DATE AS ends_on, coalesce(b.billed, p.price) * {year} AS arr, coalesce(b.quantity, p.quantity) AS seats,
      p.plan, CASE WHEN "count" = 1 THEN replace(unit || 'ly', 'dayly', 'daily')
        ELSE "count" || ' ' || unit || 's' END AS billing_period,
      -- Told for today only: on past terms it would give away which was the last.
      NULL::BOOLEAN AS auto_renew, begins AS known_at,
      CASE WHEN is_last THEN cancelled::DATE END AS lost_on, p._file, p._row
    FROM begun p LEFT JOIN (
      SELECT subscription, period_start::DATE AS since, arg_max(billed, issued_at) AS billed,
        arg_max(quantity, issued_at) AS quantity
      FROM {held["billed"]} WHERE status NOT IN {NOT_SENT} AND billed > 0 GROUP BY ALL) b
    ON b.subscription = p.subscription AND b.since = p.begins::DATE"""


def _invoices(held: Mapping[str, str]) -> Raw:
    columns = ("invoice_id", "account_id", "issued_on", "amount", "due_on", "paid_on")
    sql = f"""SELECT invoice_id, account_id, issued_at AS issued_on, amount, due_at AS due_on, paid_at AS paid_on,
      _file, _row FROM {held["billed"]} WHERE status NOT IN {NOT_SENT}"""
    return Raw(sql=sql, columns=columns)


def _accounts(held: Mapping[str, str]) -> Raw:
    """Customers, and accounts that only a subscription or an invoice names."""
    sql = f"""
    WITH named AS (SELECT account_id, _file, _row FROM {held["subscriptions"]} UNION ALL
      SELECT account_id, _file, _row FROM {held["billed"]})
    SELECT account_id, arg_min(name, created_at) AS name, arg_min(segment, created_at) AS segment,
      arg_min(owner, created_at) AS owner, min(created_at) AS created_at,
      min((_file, _row))[1] AS _file, min((_file, _row))[2] AS _row FROM {held["customers"]} GROUP BY account_id
    UNION ALL BY NAME
    SELECT account_id, min((_file, _row))[1] AS _file, min((_file, _row))[2] AS _row FROM named
    WHERE account_id NOT IN (SELECT account_id FROM {held["customers"]}) GROUP BY account_id"""
    return Raw(sql=sql, columns=("account_id", "name", "segment", "owner", "created_at"))


def _broken(records: Records, held: Mapping[str, str], engine: DuckEngine) -> str | None:
    """What could not be read, and objects of which Ebb has no use, each with its reason."""
    known = "('customer', 'subscription', 'invoice')"
    query = f"""{records.broken}
    UNION ALL SELECT _file, _row, line, 'a Stripe object ' || coalesce({at("object")}, 'without a name') ||
      ' is no subscription, invoice or customer' FROM {records.table} WHERE coalesce({at("object")}, '') NOT IN {known}
    UNION ALL SELECT _file, _row, line, 'its first payment never came: ' || status FROM {held["subscriptions"]}
      WHERE status IN {UNPAID}
    UNION ALL SELECT _file, _row, line, 'its price names no billing interval' FROM {held["subscriptions"]}
      WHERE status NOT IN {UNPAID} AND coalesce(months, days, 0) <= 0
    UNION ALL SELECT _file, _row, line, 'it never began after its trial' FROM {held["subscriptions"]}
      WHERE status NOT IN {UNPAID} AND coalesce(months, days) > 0
        AND (started >= coalesce(ended, period_end) OR coalesce(ended, period_end) IS NULL)
    UNION ALL SELECT _file, _row, line, 'the invoice was not sent: ' || status FROM {held["billed"]}
      WHERE status IN {NOT_SENT}"""
    return query if engine.rows(f"SELECT 1 FROM ({query}) LIMIT 1") else None
