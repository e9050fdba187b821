"""What the export of a product-analytics tool says, declared per tool; events, accounts and users are derived here.

How an account is found for a record, the first that answers:

1. the account the record itself names (a group, or a property such as `account_id` or `company_id`);
2. the account its user was in at that time, by the records that name both; before the first of them, that first one,
   and the event then counts as known only from that record on;
3. by the domain of the user's e-mail address: the account most colleagues of the same domain are in, else the domain
   itself. Addresses of free mail providers say nothing.

A device without a user belongs to the first user seen on it, known from then on. Records without an account are set
aside with their reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from features.engines.duckdb import DuckEngine, quoted
from features.raw import Raw, sharing
from features.reading import company, membership
from features.reading.records import Records, at, first

ACCOUNT_KEYS: Final = tuple(
    f"{noun}{end}"
    for noun in ("account", "company", "organization", "organisation", "org", "workspace", "tenant", "customer", "team")
    for end in ("_id", "Id", "ID")
)
"""Names of a property that holds the account's id."""

GROUPS: Final = (
    *("company", "organization", "organisation", "account", "customer", "workspace", "tenant", "org", "team", "group"),
    *("Company", "Organization", "Account", "company_id", "organization_id", "account_id", "org_id", "workspace_id"),
)
"""Types of a group that are an account; the first that a record has is taken."""


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """How one record of a tool is read: each field is SQL over `line` (the record as JSON) and `part`.

    ``kind`` is 'event', 'user' or 'account', or NULL for what says nothing Ebb reads; ``at`` and ``known_at`` are
    times as text (``known_at``: when the tool received it); ``traits`` is JSON of what is said of a user or account.
    """

    kind: str
    at: str
    user_id: str
    event: str = "NULL"
    device_id: str = "NULL"
    known_at: str = "NULL"
    account_id: str = "NULL"
    email: str = "NULL"
    quantity: str = "NULL"
    duration_s: str = "NULL"
    actor: str = "NULL"
    traits: str = "NULL"


def account_of(*places: str) -> str:
    """The SQL of the first property in these JSON values that holds an account's id; of a list, its first."""
    return first(*(_first_of(place, ACCOUNT_KEYS) for place in places))


def group_of(place: str) -> str:
    """The SQL of the id of the account among the groups in a JSON object ``{"company": "acme"}``."""
    return _first_of(place, GROUPS)


def _first_of(place: str, names: tuple[str, ...]) -> str:
    """The first of these keys that holds something; the document is read once for all of them."""
    keys = ", ".join(quoted("/" + name) for name in names)
    found = f"list_filter(json_extract_string({place}, [{keys}]), lambda x: x <> '' AND x <> '[]')[1:1]"
    single = "CASE WHEN x LIKE '[%' AND json_valid(x) THEN json_extract_string(x, '$[0]') ELSE x END"
    return f"list_transform({found}, lambda x: {single})[1]"


def use_of(place: str) -> Mapping[str, str]:
    """The fields quantity, duration_s and actor from the properties of an event, where they have these names."""
    return {
        "quantity": f"TRY_CAST({at('quantity', of=place)} AS DOUBLE)",
        "duration_s": f"TRY_CAST({first(at('duration_s', of=place), at('$duration', of=place))} AS DOUBLE)",
        "actor": f"CASE WHEN {at('actor', of=place)} IN ('human', 'api') THEN {at('actor', of=place)} END",
    }


def page(path: str) -> str:
    """The SQL of a page's name by its path: without its host and query, ids in it as `:id`."""
    bare = f"regexp_replace(regexp_replace({path}, '^[a-z]+://[^/?#]*', ''), '[?#].*$', '')"
    ids = "(/)([0-9]+|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|[0-9a-fA-F]{16,})(/|$)"
    # Twice, because two ids in a row share the slash between them.
    short = f"regexp_replace(regexp_replace({bare}, {quoted(ids)}, '\\1:id\\3', 'g'), {quoted(ids)}, '\\1:id\\3', 'g')"
    return f"'page ' || coalesce(nullif({short}, ''), '/')"


def raws(records: Records, behaviour: Behaviour, engine: DuckEngine) -> Mapping[str, Raw]:
    """The tables events, accounts and, where something is said of them, users."""
    said = f"_said_{records.tool}"
    cells = ", ".join(f"({getattr(behaviour, item.name)}) AS {item.name}" for item in fields(behaviour))
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {said} AS SELECT _file, _row, line, {cells} FROM {records.table}")
    engine.execute(f"DROP TABLE {records.table}")
    homes = membership.lay(said, engine)
    found = {"events": _events(records, homes, engine), "accounts": company.accounts(homes, engine)}
    if engine.rows(f"SELECT 1 FROM {said} WHERE kind = 'user' LIMIT 1"):
        found["users"] = company.users(homes, engine)
    return sharing(found, (said, homes, records.lines))


def _events(records: Records, homes: str, engine: DuckEngine) -> Raw:
    """One row per event with an account; what is no event, user or account is among the broken."""
    columns = ("account_id", "occurred_at", "event", "user_id", "quantity", "duration_s", "actor", "known_at")
    nothing = (
        f"SELECT _file, _row, line AS _line, coalesce(nullif(event, ''), 'it') || "
        f"' says nothing of an event, a user or an account' AS reason FROM {homes} WHERE kind IS NULL"
    )
    broken = f"{records.broken} UNION ALL {nothing}"
    return Raw(
        sql=f"""SELECT home AS account_id, "at" AS occurred_at, event, who AS user_id, quantity, duration_s, actor,
            {_known()} AS known_at, _file, _row FROM {homes} WHERE kind = 'event' AND home IS NOT NULL""",
        columns=columns,
        broken=broken if engine.rows(f"SELECT 1 FROM ({broken}) LIMIT 1") else None,
        unmapped=membership.unmapped(homes, "event", engine),
    )


def _known() -> str:
    """When an event was known: received, and its user and account told; NULL where that is when it occurred."""
    later = "greatest(received, since, linked)"
    return f"CASE WHEN received IS NOT NULL OR {later} > moment THEN greatest({later}, moment) END"
