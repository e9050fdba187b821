"""Small worlds for tests: tables as plain rows, a source of them, and random ones with everything awkward in them.

Ages are counted back from `CUTOFF`; the ages at which some window begins or ends are met on purpose.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

import pandas as pd

from features import outcomes, usage
from features.domain import table
from features.engines.duckdb import DuckEngine, identifier
from features.facts import Facts
from features.intake import take_in
from features.raw import Raw

Row = dict[str, Any]
World = dict[str, list[Row]]

CUTOFF = date(2026, 5, 4)
CUTOFFS = (CUTOFF, CUTOFF - timedelta(days=1), CUTOFF - timedelta(days=29), CUTOFF - timedelta(days=200))
TODAY = CUTOFF + timedelta(days=2400)
EDGES = (1, 7, 8, 14, 15, 28, 29, 56, 57, 84, 85, 112, 168, 169, 182, 183, 364, 365, 366, 392, 448, 449, 730, 731, 900)
FEATURES = ("edit", "export", "invite", "search", "report")
PLANS = ("basic", "pro", "max")


@dataclass(frozen=True)
class Rows:
    """A source over rows in memory; a column that no row has is a column the source lacks."""

    world: Mapping[str, Sequence[Row]]
    name: str = field(default="rows")

    def raw(self, engine: DuckEngine) -> Mapping[str, Raw]:
        """One scratch table for each table of the world."""
        return {name: self._raw(name, rows, engine) for name, rows in self.world.items()}

    def _raw(self, name: str, rows: Sequence[Row], engine: DuckEngine) -> Raw:
        names = [column.name for column in table(name).columns if any(column.name in row for row in rows)]
        names = names or list(table(name).required_columns)
        frame = pd.DataFrame([[row.get(n) for n in names] for row in rows], columns=names, dtype=object)
        engine.register(f"raw_{name}", frame)
        cells = ", ".join(
            f"CAST({identifier(n)} AS {table(name).column(n).sql_type}) AS {identifier(n)}" for n in names
        )
        sql = f"SELECT {cells}, '{name}' AS _file, row_number() OVER () AS _row FROM raw_{name}"
        return Raw(sql=sql, columns=tuple(names), scratch=(f"raw_{name}",))


def facts_of(
    world: Mapping[str, Sequence[Row]], *, threads: int = 1, terms: bool = True, until: date = date.min
) -> Facts:
    """The world taken in and rolled up, with the table ``terms`` unless a test lays snapshots itself.

    ``until``: the facts reach at least to this cutoff, however long ago something last happened.
    """
    facts = take_in(Rows(world), DuckEngine(threads=threads), None, now=TODAY)
    # Endings are derived up to the facts' own cutoff only: whoever looks from a later one must say so.
    facts = replace(facts, cutoff=max(facts.cutoff, until))
    usage.build(facts)
    if terms:
        outcomes.lay(facts)
    return facts


def day(age: int) -> date:
    """The day that lies so many days before the cutoff."""
    return CUTOFF - timedelta(days=age)


def moment(age: int, hour: int = 12, minute: int = 0) -> datetime:
    """A time on the day that lies so many days before the cutoff."""
    return datetime.combine(day(age), time(hour, minute))


def random_world(seed: int, *, accounts: int, events: int, gaps: bool = True) -> World:
    """A world of that many accounts with at most so many events each.

    ``gaps``: some optional tables and columns are missing.
    """
    chance = random.Random(seed)
    ids = [f"a{number}" for number in range(accounts)]
    world: World = {
        "events": [row for account in ids for row in _events(chance, account, events)],
        "accounts": [_account(chance, account) for account in ids],
        "contracts": [row for account in ids for row in _contracts(chance, account)],
        "tickets": [row for account in ids for row in _tickets(chance, account)],
        "invoices": [row for account in ids for row in _invoices(chance, account)],
        "surveys": [row for account in ids for row in _surveys(chance, account)],
        "touches": [row for account in ids for row in _touches(chance, account)],
        "users": [row for account in ids for row in _users(chance, account)],
        "opportunities": [row for account in ids for row in _opportunities(chance, account)],
        "costs": [row for account in ids for row in _costs(chance, account)],
    }
    for rows in world.values():
        chance.shuffle(rows)
    return _with_gaps(chance, world) if gaps else world


def _with_gaps(chance: random.Random, world: World) -> World:
    for name in ("accounts", "tickets", "invoices", "surveys", "touches", "users", "opportunities", "costs"):
        if chance.random() < 0.15:
            del world[name]
    for name in list(world):
        for column in table(name).columns:
            # Outcomes are as often derived as written.
            if not column.required and chance.random() < (0.5 if column.name == "outcome" else 0.12):
                for row in world[name]:
                    row.pop(column.name, None)
    return world


def _age(chance: random.Random) -> int:
    """Days before the cutoff: often near it, often on an edge, sometimes after it."""
    kind = chance.random()
    if kind < 0.25:
        return chance.choice(EDGES)
    return chance.randint(*(1, 30) if kind < 0.55 else (1, 200) if kind < 0.8 else (-20, 900))


def _moment(chance: random.Random, age: int) -> datetime:
    hour = chance.choice((0, 9, 9, 10, 10, 11, 23))
    return moment(age, hour, chance.choice((0, 29, 30, 59, chance.randint(0, 59))))


def _maybe(chance: random.Random, value: object, share: float = 0.7) -> Any:
    return value if chance.random() < share else None


def _events(chance: random.Random, account: str, most: int) -> list[Row]:
    users = [f"{account}u{number}" for number in range(chance.randint(1, 5))]
    rows = []
    for _ in range(chance.choice((0, 1, most // 4, most, most))):
        occurred = _moment(chance, _age(chance))
        rows.append(
            {
                "account_id": account,
                "occurred_at": occurred,
                "event": chance.choice(FEATURES[: chance.randint(1, 5)]),
                "user_id": _maybe(chance, chance.choice(users), 0.85),
                "quantity": _maybe(chance, chance.randint(0, 40) / 4),
                "duration_s": _maybe(chance, chance.randint(0, 4000) / 4, 0.5),
                "actor": chance.choice(("human", "human", "human", "api", None)),
                "known_at": _maybe(chance, occurred + timedelta(hours=chance.randint(-30, 1200)), 0.2),
            }
        )
    return rows


def _account(chance: random.Random, account: str) -> Row:
    return {"account_id": account, "created_at": _maybe(chance, _moment(chance, chance.randint(-5, 1000)))}


def _terms(chance: random.Random) -> list[tuple[date, date]]:
    """First and last days of up to five contracts; often one of them ends near the cutoff."""
    terms: list[tuple[date, date]] = []
    starts = day(chance.choice((20, 100, 300, 800, 1000)))
    for _ in range(chance.randint(0, 5)):
        ends = starts + timedelta(days=chance.choice((8, 30, 91, 180, 365)))
        terms.append((starts, ends))
        starts = ends + timedelta(days=chance.choice((0, 0, 1, 30, 31, 32, 90, -20, -40)))
    if not terms or chance.random() < 0.3:
        return terms
    shift = day(chance.randint(-40, 40)) - chance.choice(terms)[1]
    return [(starts + shift, ends + shift) for starts, ends in terms]


def _contracts(chance: random.Random, account: str) -> list[Row]:
    rows: list[Row] = []
    for number, (starts, ends) in enumerate(_terms(chance)):
        outcome = _maybe(chance, chance.choice(("renewed", "expanded", "downgraded", "churned")), 0.6)
        rows.append(
            {
                "contract_id": f"{account}-{number}",
                "account_id": account,
                "starts_on": starts,
                "ends_on": ends,
                "arr": _maybe(chance, chance.choice((0.0, 960.0, 1000.0, 1050.0, 1051.0, 1200.0)), 0.9),
                "seats": _maybe(chance, chance.choice((0.0, 1.0, 3.0, 10.0)), 0.9),
                "plan": _maybe(chance, chance.choice(PLANS), 0.9),
                "auto_renew": _maybe(chance, chance.random() < 0.5),
                "outcome": outcome,
                "decided_on": outcome and _maybe(chance, ends + timedelta(days=chance.randint(-60, 31))),
                "known_at": _maybe(
                    chance, datetime.combine(starts + timedelta(days=chance.randint(-60, 90)), time(7)), 0.4
                ),
            }
        )
    return rows


def _tickets(chance: random.Random, account: str) -> list[Row]:
    rows = []
    for number in range(chance.choice((0, 0, 3, 8))):
        opened = _moment(chance, _age(chance))
        closed = _maybe(chance, opened + timedelta(hours=chance.choice((1, 24, 336, 350, 361, 384, 2000))))
        rows.append(
            {
                "ticket_id": f"{account}t{number}",
                "account_id": account,
                "opened_at": opened,
                "closed_at": closed,
                "severity": chance.choice(("low", "HIGH", "urgent", "normal", None)),
                "csat": _maybe(chance, float(chance.randint(1, 5)), 0.6) if closed else None,
            }
        )
    return rows


def _invoices(chance: random.Random, account: str) -> list[Row]:
    rows = []
    for number in range(chance.choice((0, 0, 2, 6))):
        issued = day(_age(chance))
        due = _maybe(chance, issued + timedelta(days=chance.choice((0, 14, 30))), 0.85)
        paid = issued + timedelta(days=chance.choice((0, 10, 14, 15, 30, 31, 80)))
        rows.append(
            {
                "invoice_id": f"{account}i{number}",
                "account_id": account,
                "issued_on": issued,
                "amount": 100.0,
                "due_on": due,
                "paid_on": _maybe(chance, paid),
            }
        )
    return rows


def _surveys(chance: random.Random, account: str) -> list[Row]:
    return [
        {
            "account_id": account,
            "answered_at": _moment(chance, _age(chance)),
            "user_id": None,
            "nps": _maybe(chance, float(chance.randint(0, 10)), 0.8),
        }
        for _ in range(chance.choice((0, 0, 2, 5)))
    ]


def _touches(chance: random.Random, account: str) -> list[Row]:
    return [
        {"account_id": account, "touched_at": _moment(chance, _age(chance)), "kind": chance.choice(("call", "email"))}
        for _ in range(chance.choice((0, 0, 2, 6)))
    ]


def _users(chance: random.Random, account: str) -> list[Row]:
    return [
        {
            "user_id": f"{account}u{number}",
            "account_id": account,
            "role": _maybe(chance, chance.choice(("Admin", "member", "org-admin", "OWNER", "viewer")), 0.8),
            "created_at": _maybe(chance, _moment(chance, _age(chance)), 0.8),
        }
        for number in range(chance.randint(0, 7))
    ]


def _opportunities(chance: random.Random, account: str) -> list[Row]:
    rows = []
    for number in range(chance.choice((0, 0, 2, 5))):
        opened = _moment(chance, _age(chance))
        closed = _maybe(chance, opened + timedelta(days=chance.choice((0, 1, 30, 100, 400))))
        rows.append(
            {
                "opportunity_id": f"{account}o{number}",
                "account_id": account,
                "opened_at": opened,
                "stage": "talks",
                "amount": _maybe(chance, chance.randint(0, 40) / 4, 0.8),
                "closed_at": closed,
                "won": _maybe(chance, chance.random() < 0.5, 0.8) if closed else None,
            }
        )
    return rows


def _costs(chance: random.Random, account: str) -> list[Row]:
    last, months = chance.randint(-1, 3), chance.choice((0, 1, 4, 14))
    return [
        {"account_id": account, "month": day(15 + 30 * age), "cost_to_serve": chance.randint(-4, 400) / 4}
        for age in chance.sample(range(last, last + 2 * months), months)
        if _first_of_month(day(15 + 30 * age)) != _first_of_month(day(15 + 30 * (age + 1)))
    ]


def _first_of_month(when: date) -> date:
    return when.replace(day=1)


def month_end(month: date) -> date:
    """The first day after a month: from then on its cost is known."""
    return (_first_of_month(month) + timedelta(days=32)).replace(day=1)


def joined(*worlds: World) -> World:
    """Several worlds as one."""
    names = [name for world in worlds for name in world]
    return {name: [row for world in worlds for row in world.get(name, ())] for name in dict.fromkeys(names)}


def renamed(world: World, prefix: str) -> World:
    """The same world of other accounts."""
    ids = ("account_id", "contract_id", "ticket_id", "invoice_id", "opportunity_id", "user_id")
    return {
        name: [{key: prefix + value if key in ids and value else value for key, value in row.items()} for row in rows]
        for name, rows in world.items()
    }


def as_known(world: World, cutoff: date) -> World:
    """What of a world was known before a cutoff: later rows gone, later endings blank."""
    later = partial(_later, datetime.combine(cutoff, time()))
    return {
        "events": [row for row in world["events"] if not later(row["occurred_at"]) and not later(row.get("known_at"))],
        "accounts": [_blank(row, later(row.get("created_at")), "created_at") for row in world["accounts"]],
        "contracts": [
            _blank(row, later(row.get("decided_on") or row["ends_on"]), "outcome", "decided_on")
            for row in world["contracts"]
            if not later(row.get("known_at") or row["starts_on"])
        ],
        "tickets": [
            _blank(row, later(row.get("closed_at")), "closed_at", "csat")
            for row in world["tickets"]
            if not later(row["opened_at"])
        ],
        "invoices": [
            _blank(row, later(row.get("paid_on")), "paid_on")
            for row in world["invoices"]
            if not later(row["issued_on"])
        ],
        "surveys": [row for row in world["surveys"] if not later(row["answered_at"])],
        "touches": [row for row in world["touches"] if not later(row["touched_at"])],
        "users": [row for row in world["users"] if not later(row.get("created_at"))],
        "opportunities": [
            _blank(row, later(row.get("closed_at")), "closed_at", "won")
            for row in world["opportunities"]
            if not later(row["opened_at"])
        ],
        "costs": [row for row in world["costs"] if not later(month_end(row["month"]))],
    }


def _later(midnight: datetime, when: date | datetime | None) -> bool:
    if when is None:
        return False
    return (when if isinstance(when, datetime) else datetime.combine(when, time())) >= midnight


def _blank(row: Row, unknown: bool, *names: str) -> Row:
    return row | dict.fromkeys(names) if unknown else row


def lighthouse(name: str = "z", since: int = 1200) -> World:
    """An account that says something in every column, long ago, so that every column is known."""
    old, then = moment(since), day(since)
    return {
        "events": [
            {
                "account_id": name,
                "occurred_at": old,
                "event": "edit",
                "user_id": f"{name}u",
                "quantity": 1.0,
                "duration_s": 60.0,
                "actor": "human",
                "known_at": old,
            }
        ],
        "accounts": [{"account_id": name, "created_at": old}],
        "contracts": [
            {
                "contract_id": f"{name}-old",
                "account_id": name,
                "starts_on": then,
                "ends_on": then + timedelta(days=30),
                "arr": 90.0,
                "seats": 3.0,
                "plan": "old",
                "auto_renew": False,
                "outcome": "churned",
                "decided_on": then + timedelta(days=30),
                "known_at": old,
            }
        ],
        "tickets": [
            {
                "ticket_id": f"{name}-t",
                "account_id": name,
                "opened_at": old,
                "closed_at": old + timedelta(days=1),
                "severity": "low",
                "csat": 3.0,
            }
        ],
        "invoices": [
            {
                "invoice_id": f"{name}-i",
                "account_id": name,
                "issued_on": then,
                "amount": 1.0,
                "due_on": then,
                "paid_on": then + timedelta(days=1),
            }
        ],
        "surveys": [{"account_id": name, "answered_at": old, "nps": 5.0}],
        "touches": [{"account_id": name, "touched_at": old, "kind": "call"}],
        "users": [{"user_id": f"{name}u", "account_id": name, "role": "admin", "created_at": old}],
        "opportunities": [
            {
                "opportunity_id": f"{name}-o",
                "account_id": name,
                "opened_at": old,
                "stage": "closed",
                "amount": 5.0,
                "closed_at": old + timedelta(days=1),
                "won": True,
            }
        ],
        "costs": [{"account_id": name, "month": then, "cost_to_serve": 3.0}],
    }
