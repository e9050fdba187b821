"""Who belongs to which account, from records that name a user, an account, or both.

The rules are told in `features.reading.behaviour`.
"""

from typing import Final

from features.engines.duckdb import DuckEngine, quoted

FREE_MAIL: Final = (
    *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "ymail.com"),
    *("icloud.com", "me.com", "mac.com", "aol.com", "proton.me", "protonmail.com", "gmx.de", "gmx.net", "gmx.com"),
    *("web.de", "mail.ru", "yandex.ru", "qq.com", "163.com", "126.com", "zoho.com", "fastmail.com", "hey.com"),
)
"""Domains of free mail providers: an address there says nothing of a company."""

EVER: Final = "TIMESTAMP '1970-01-01'"
"""Since when something holds that is told without a time."""


def moment(text: str) -> str:
    """The SQL of a time in text as a UTC timestamp; NULL where it is none."""
    return f"TRY_CAST({text} AS TIMESTAMPTZ)::TIMESTAMP"


def lay(said: str, engine: DuckEngine) -> str:
    """Make the table of what was said with ``who`` said it and at ``home`` in which account; its name.

    ``since`` and ``linked`` tell from when account and user could be known, NULL where the record itself names them.
    """
    run = engine.execute
    names = {part: f"{said}_{part}" for part in ("whose", "links", "stays", "homes")}
    run(
        f"""CREATE OR REPLACE TEMP TABLE {names["links"]} AS SELECT device_id, min({moment('"at"')}) AS since,
        arg_min(user_id, coalesce({moment('"at"')}, {EVER})) AS user_id
        FROM {said} WHERE device_id IS NOT NULL AND user_id IS NOT NULL GROUP BY ALL"""
    )
    run(
        f"""CREATE OR REPLACE TEMP TABLE {names["whose"]} AS SELECT s.*, {moment('s."at"')} AS moment,
        {moment("s.known_at")} AS received, coalesce(s.user_id, l.user_id, s.device_id) AS who,
        CASE WHEN s.user_id IS NULL THEN l.since END AS linked, {_domain("s.email")} AS domain
        FROM {said} s LEFT JOIN {names["links"]} l USING (device_id)"""
    )
    run(f"CREATE OR REPLACE TEMP TABLE {names['stays']} AS {_stays(names['whose'])}")
    run(f"INSERT INTO {names['stays']} BY NAME {_by_mail(names['whose'], names['stays'])}")
    run(f"CREATE OR REPLACE TEMP TABLE {names['homes']} AS {_homes(names['whose'], names['stays'])}")
    for part in ("whose", "links", "stays"):
        run(f"DROP TABLE {names[part]}")
    return names["homes"]


def unmapped(homes: str, kind: str, engine: DuckEngine) -> str | None:
    """The query of the records of a kind without an account, with the reason; None when there are none."""
    mail = f"CASE WHEN email IS NULL THEN 'tells no e-mail address' ELSE 'has an address at {_provider()}' END"
    reason = f"coalesce('user ' || who || ' is in no account and ' || {mail}, 'it names no account and no user')"
    query = f"SELECT _file, _row, line AS _line, {reason} AS reason FROM {homes} WHERE kind = '{kind}' AND home IS NULL"
    return query if engine.rows(f"SELECT 1 FROM ({query}) LIMIT 1") else None


def _provider() -> str:
    return "' || coalesce(nullif(split_part(email, '@', 2), ''), 'no company') || '"


def _domain(email: str) -> str:
    domain = f"lower(trim(split_part({email}, '@', 2)))"
    free = ", ".join(quoted(name) for name in FREE_MAIL)
    return f"CASE WHEN {domain} LIKE '%.%' AND {domain} NOT IN ({free}) THEN {domain} END"


def _stays(whose: str) -> str:
    """From when each user is in which account, by the records that name both."""
    return f"""
    SELECT who, account_id, coalesce(moment, {EVER}) AS since FROM (
      SELECT who, account_id, moment, lag(account_id) OVER (PARTITION BY who ORDER BY coalesce(moment, {EVER}),
             received, _file, _row) AS before
      FROM {whose} WHERE account_id IS NOT NULL AND who IS NOT NULL)
    WHERE before IS DISTINCT FROM account_id"""


def _by_mail(whose: str, stays: str) -> str:
    """For users in no account: that of most colleagues with the same domain, else the domain itself."""
    return f"""
    WITH mails AS (
      SELECT who, arg_max(domain, coalesce(moment, {EVER})) AS domain, min(coalesce(moment, {EVER})) AS since
      FROM {whose} WHERE domain IS NOT NULL AND who IS NOT NULL GROUP BY who),
    colleagues AS (
      SELECT domain, account_id FROM (
        SELECT domain, account_id, row_number() OVER (PARTITION BY domain ORDER BY count(*) DESC, account_id) AS place
        FROM mails JOIN (SELECT DISTINCT who, account_id FROM {stays}) USING (who) GROUP BY domain, account_id)
      WHERE place = 1)
    SELECT who, coalesce(account_id, domain) AS account_id, since FROM mails LEFT JOIN colleagues USING (domain)
    WHERE who NOT IN (SELECT who FROM {stays})"""


def _homes(whose: str, stays: str) -> str:
    return f"""
    SELECT s.*, coalesce(s.account_id, b.account_id, f.account_id) AS home,
           CASE WHEN s.account_id IS NULL AND b.account_id IS NULL THEN f.since END AS since
    FROM {whose} s ASOF LEFT JOIN {stays} b ON s.who = b.who AND s.moment >= b.since
    LEFT JOIN (SELECT who, arg_min(account_id, since) AS account_id, min(since) AS since FROM {stays} GROUP BY who) f
      ON s.who = f.who"""
