"""Accounts and users from what an export says of them: the latest word on each, told in many records."""

import re
from typing import Final

from features.engines.duckdb import DuckEngine, identifier
from features.raw import Raw
from features.reading.membership import EVER, unmapped
from features.reading.records import at, first

ACCOUNT_TRAITS: Final = {
    "name": ("name", "company_name", "companyName", "$name", "group_name"),
    "segment": ("segment", "tier", "customer_segment"),
    "owner": ("owner", "csm", "account_owner", "customer_success_manager"),
    "created_at": ("created_at", "createdAt", "created", "$created_at"),
    "parent_id": ("parent_id", "parentId"),
    "industry": ("industry",),
    "region": ("region",),
    "acquisition_cost": ("acquisition_cost",),
}
"""Columns of `accounts` and the traits that tell them; further plain traits are kept under their own names."""

USER_TRAITS: Final = {
    "role": ("role", "user_role"),
    "title": ("title", "job_title", "jobTitle"),
    "created_at": ("created_at", "createdAt", "created", "$created"),
}
"""Columns of `users` and the traits that tell them."""

MOST_ATTRIBUTES: Final = 40
"""Further traits that are kept; more are a sign of keys made of data."""

OF_THE_TOOL: Final = re.compile(
    r"^(\$|_|context_|id$|anonymous_?id$|user_?id$|group_?id$|email$|timestamp$|original_timestamp$|received_at$|"
    r"sent_at$|uuid_ts$|loaded_at$|event$|event_text$)"
)
"""Keys that the tool itself writes beside traits."""


def accounts(homes: str, engine: DuckEngine) -> Raw:
    """One row per account: what was said of it last; accounts of which nothing was said, too."""
    told = f"SELECT * FROM {homes} WHERE kind = 'account' AND home IS NOT NULL"
    traits = ACCOUNT_TRAITS | {_snake(key): (key,) for key in _further(told, engine)}
    cells = ", ".join(f"{_latest(first(*(_trait(key) for key in keys)), name)}" for name, keys in traits.items())
    sql = f"""
    SELECT account_id, * EXCLUDE (account_id, _file, _row), _file, _row FROM (
      SELECT home AS account_id, {cells}, {_place()} FROM ({told}) GROUP BY home
      UNION ALL BY NAME
      SELECT home AS account_id, {_place()} FROM {homes}
      WHERE home IS NOT NULL AND home NOT IN (SELECT home FROM ({told})) GROUP BY home)"""
    return Raw(sql=sql, columns=("account_id", *traits), unmapped=unmapped(homes, "account", engine))


def users(homes: str, engine: DuckEngine) -> Raw:
    """One row per user of an account: what was said of the user last."""
    cells = ", ".join(f"{_latest(first(*(_trait(key) for key in keys)), name)}" for name, keys in USER_TRAITS.items())
    sql = f"""SELECT home AS account_id, who AS user_id, {cells}, {_place()} FROM {homes}
    WHERE kind = 'user' AND home IS NOT NULL GROUP BY home, who"""
    return Raw(sql=sql, columns=("user_id", "account_id", *USER_TRAITS), unmapped=unmapped(homes, "user", engine))


def _trait(key: str) -> str:
    return at(key, of="traits")


def _latest(value: str, name: str) -> str:
    """The latest value that is known; a value told without a time is older than any other."""
    return f"arg_max({value}, (coalesce(moment, {EVER}), _file, _row)) AS {identifier(name)}"


def _place() -> str:
    return "max((_file, _row))[1] AS _file, max((_file, _row))[2] AS _row"


def _further(told: str, engine: DuckEngine) -> list[str]:
    """Keys of traits beyond the declared ones that hold plain values."""
    known = {key for keys in ACCOUNT_TRAITS.values() for key in keys} | set(ACCOUNT_TRAITS)
    rows = engine.rows(
        f"""SELECT key, count(*) FROM (SELECT unnest(json_keys(traits)) AS key, traits FROM ({told})
        WHERE json_type(traits) = 'OBJECT')
        WHERE json_type(json_extract(traits, '/' || replace(replace(key, '~', '~0'), '/', '~1')))
          NOT IN ('OBJECT', 'ARRAY', 'NULL') GROUP BY key ORDER BY count(*) DESC, key"""
    )
    keys = [str(row[0]) for row in rows if str(row[0]) not in known and not OF_THE_TOOL.match(str(row[0]))]
    taken: dict[str, str] = {}
    for key in keys[:MOST_ATTRIBUTES]:
        taken.setdefault(_snake(key), key)
    return [key for name, key in taken.items() if name not in {*ACCOUNT_TRAITS, "account_id", "known_at", ""}]


def _snake(key: str) -> str:
    """``numberOfSeats`` and ``Number of seats`` as ``number_of_seats``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key)
    return re.sub(r"[^0-9a-z]+", "_", spaced.casefold()).strip("_")
