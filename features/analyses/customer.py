"""One customer's use of the product, for its own leaders: who used it, what for, beside their peers, and what next.

Nothing here speaks of risk: it is the customer's report, for those who decide about next year.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Any, Final

import altair as alt
import pandas as pd

from features import outcomes
from features.analyses.accounts_now import accounts_now
from features.analyses.answer import Answer, Field, Sheet, need, percent
from features.analyses.drawing import INK, PAPER, WIDTH, data, styled
from features.errors import DataError, SettingsError
from features.facts import Facts

NAME: Final = "customer"
QUARTER_DAYS: Final = 91
FEWEST_PEERS: Final = 5
"""Fewer peers would tell the customer what single others do."""

WIDELY_USED: Final = 0.5
"""A feature that half of the peers use is worth showing to whoever does not."""

MOST_IDEAS: Final = 3

MONTHS: Final = (
    Field(name="month", title="month", kind="text", meaning="the calendar month; the first and last may be cut"),
    Field(name="people", title="people", kind="whole", meaning="who used it"),
    Field(name="days", title="days in use", kind="whole", meaning="on which anybody used it"),
    Field(name="events", title="actions", kind="whole", meaning="what they did, by hand"),
    Field(name="automated", title="automated", kind="whole", meaning="what integrations did for them"),
)

FEATURES: Final = (
    Field(name="feature", title="feature", kind="text", meaning="its name"),
    Field(name="uses", title="uses", kind="whole", meaning="in the last quarter"),
    Field(name="before", title="quarter before", kind="whole", meaning="uses in the quarter before"),
    Field(name="peers", title="of your peers use it", kind="share", meaning="share of the accounts of the segment"),
)

PEERS: Final = (
    Field(name="what", title="last quarter", kind="text", meaning="what is compared"),
    Field(name="yours", title="you", kind="number", meaning="of this customer"),
    Field(name="peers", title="typical peer", kind="number", meaning="the median of the accounts of the segment"),
    Field(name="ahead_of", title="ahead of", kind="share", meaning="share of the peers with less"),
)

IDEAS: Final = (Field(name="idea", title="what we suggest", kind="text", meaning="a next step", wraps=True),)


@dataclass(frozen=True, kw_only=True)
class Customer:
    """Whose report, and how many months it looks back. Raises SettingsError."""

    account_id: str
    months: int = 12

    def __post_init__(self) -> None:
        if not 1 <= self.months <= 36:
            raise SettingsError(f"months = {self.months}: a report looks back 1 to 36 months")


def customer(facts: Facts, asked: Customer, *, grace_days: int = outcomes.GRACE_DAYS) -> Answer:
    """The report of one customer. Raises DataError where the account or its events are not known."""
    need(facts, NAME, "accounts", "events")
    everybody = accounts_now(facts, grace_days=grace_days).set_index("account_id", drop=False)
    if asked.account_id not in everybody.index:
        near = get_close_matches(asked.account_id, everybody.index, n=1)
        more = f"; did you mean {near[0]}?" if near else ""
        raise DataError(f"no account {asked.account_id[:60]!r} among {len(everybody):,}{more}")
    own: Mapping[Any, Any] = everybody.loc[[asked.account_id]].to_dict("records")[0]
    alike = everybody["segment"].fillna("") == ("" if pd.isna(own["segment"]) else own["segment"])
    peers = everybody[alike & (everybody["use"] == "active") & (everybody.index != asked.account_id)]
    months, use = _months(facts, asked), _use(facts, everybody)
    used: Mapping[Any, Any] = use.loc[[asked.account_id]].to_dict("records")[0]
    features = _features(facts, asked.account_id, list(peers.index))
    compared = _compared(used, use.loc[list(peers.index)])
    return Answer(
        name=NAME,
        cutoff=facts.cutoff,
        says=_says(own, months, used, compared),
        sheets=(
            Sheet(name="months", fields=MONTHS, frame=months),
            Sheet(name="features", fields=FEATURES, frame=features[[one.name for one in FEATURES]], most=12),
            Sheet(name="peers", fields=PEERS, frame=compared),
            Sheet(name="ideas", fields=IDEAS, frame=_ideas(own, used, features)),
        ),
        chart=_chart(months),
        asked={**asdict(asked), "name": own["name"]},
    )


def _months(facts: Facts, asked: Customer) -> pd.DataFrame:
    first = (pd.Timestamp(facts.cutoff) - pd.DateOffset(months=asked.months)).date()
    found = facts.engine.frame(
        f"""WITH own AS (SELECT account FROM account_number WHERE account_id = ?),
        people AS (
          SELECT date_trunc('month', d.day) AS month, count(DISTINCT d.person) AS people
          FROM user_day d JOIN own USING (account)
          WHERE d.events > 0 AND {_span("d", first, facts.cutoff)} GROUP BY 1)
        SELECT strftime(date_trunc('month', d.day), '%Y-%m') AS month, coalesce(any_value(p.people), 0) AS people,
               count(DISTINCT d.day) FILTER (WHERE d.events > 0) AS days,
               sum(d.events) AS events, sum(d.api_events) AS automated
        FROM account_day d JOIN own USING (account) LEFT JOIN people p ON p.month = date_trunc('month', d.day)
        WHERE {_span("d", first, facts.cutoff)} GROUP BY 1 ORDER BY 1""",
        [asked.account_id],
    )
    return found[[one.name for one in MONTHS]]


def _use(facts: Facts, everybody: pd.DataFrame) -> pd.DataFrame:
    """What each account did in the last quarter, by account_id; nought where nothing."""
    first = facts.cutoff - timedelta(days=QUARTER_DAYS)
    found = facts.engine.frame(
        f"""WITH people AS (
          SELECT account, count(DISTINCT person) AS people FROM user_day d
          WHERE d.events > 0 AND {_span("d", first, facts.cutoff)} GROUP BY account),
        features AS (
          SELECT account, count(DISTINCT feature) AS features FROM feature_day d
          WHERE d.events > 0 AND {_span("d", first, facts.cutoff)} GROUP BY account),
        days AS (
          SELECT account, count(DISTINCT day) FILTER (WHERE d.events > 0) AS days, sum(d.events) AS events
          FROM account_day d WHERE {_span("d", first, facts.cutoff)} GROUP BY account)
        SELECT n.account_id, coalesce(p.people, 0) AS people, coalesce(f.features, 0) AS features,
               coalesce(d.days, 0) AS days, coalesce(d.events, 0) AS events
        FROM account_number n LEFT JOIN people p USING (account) LEFT JOIN features f USING (account)
        LEFT JOIN days d USING (account)"""
    )
    found = found.set_index("account_id").reindex(everybody.index).fillna(0.0)
    found["seats_used"] = (found["people"] / everybody["seats"]).where(everybody["seats"] > 0)
    found["each"] = (found["events"] / found["people"]).where(found["people"] > 0)
    return found


def _features(facts: Facts, account_id: str, peers: list[str]) -> pd.DataFrame:
    """Every feature that is used here or by peers, the most used here first; ``peers`` is the share of them."""
    quarter, earlier = (facts.cutoff - timedelta(days=QUARTER_DAYS * back) for back in (1, 2))
    told = pd.DataFrame({"account_id": peers}, dtype=str)
    names = ", ".join("?" for _ in peers) or "NULL"
    return facts.engine.frame(
        f"""SELECT f.event AS feature,
               coalesce(sum(d.events) FILTER (WHERE n.account_id = ? AND d.day >= DATE '{quarter}'), 0) AS uses,
               coalesce(sum(d.events) FILTER (WHERE n.account_id = ? AND d.day < DATE '{quarter}'), 0) AS before,
               CASE WHEN {len(told)} >= {FEWEST_PEERS} THEN
                 count(DISTINCT n.account_id) FILTER (WHERE n.account_id <> ? AND d.day >= DATE '{quarter}')
                 / {max(1, len(told))}.0 END AS peers
        FROM feature_day d JOIN account_number n USING (account) JOIN feature_number f USING (feature)
        WHERE d.events > 0 AND {_span("d", earlier, facts.cutoff)} AND n.account_id IN (?, {names})
        GROUP BY f.event ORDER BY uses DESC, peers DESC, feature""",
        [account_id, account_id, account_id, account_id, *peers],
    )


def _compared(own: Mapping[Any, Any], others: pd.DataFrame) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for column, what in (
        ("days", "days in use"),
        ("seats_used", "people for each seat"),
        ("features", "features used"),
        ("each", "actions for each person"),
    ):
        known = others[column].dropna()
        if len(known) < FEWEST_PEERS or pd.isna(own[column]):
            continue
        rows.append(
            {
                "what": what,
                "yours": own[column],
                "peers": known.median(),
                "ahead_of": ((known < own[column]) + 0.5 * (known == own[column])).mean(),
            }
        )
    return pd.DataFrame(rows, columns=[one.name for one in PEERS])


def _ideas(own: Mapping[Any, Any], use: Mapping[Any, Any], features: pd.DataFrame) -> pd.DataFrame:
    unused = features[(features["uses"] == 0) & (features["peers"].fillna(0.0) >= WIDELY_USED)]
    ideas = [
        f"Try {row['feature']}: {percent(row['peers'])} of companies like yours use it. We show you how."
        for row in unused.head(MOST_IDEAS).to_dict("records")
    ]
    free = 0 if pd.isna(own["seats"]) else int(own["seats"] - use["people"])
    if free > 0:
        ideas.append(f"{free:,} of your {int(own['seats']):,} seats are free: who else should have one? We train them.")
    fallen = features[(features["before"] >= 20) & (features["uses"] < features["before"] / 2)]
    ideas += [
        f"{name} is used half as much as the quarter before: was it a project that ended?"
        for name in fallen["feature"].head(1)
    ]
    return pd.DataFrame({"idea": ideas or ["Your people use what companies like yours use: what should come next?"]})


def _says(
    own: Mapping[Any, Any], months: pd.DataFrame, use: Mapping[Any, Any], compared: pd.DataFrame
) -> tuple[str, ...]:
    total = int(months["events"].sum())
    lines = [
        f"{int(use['people']):,} people of {own['name']} worked with the product on {int(use['days']):,} days of the "
        f"last quarter; in the {len(months)} months shown they did {total:,} things with it."
    ]
    ahead = compared[compared["ahead_of"] >= 0.5].sort_values("ahead_of", ascending=False)
    lines += [
        f"In {row['what']} you are ahead of {percent(row['ahead_of'])} of companies like yours."
        for row in ahead.head(1).to_dict("records")
    ]
    if not pd.isna(own["seats"]) and own["seats"] > 0:
        lines.append(f"{int(use['people']):,} people used your {int(own['seats']):,} seats.")
    return tuple(lines)


def _chart(months: pd.DataFrame) -> alt.TopLevelMixin | None:
    if months.empty:
        return None
    base = alt.Chart(data(months)).encode(x=alt.X("month:O", title=None))
    bars = base.mark_bar(color=PAPER).encode(y=alt.Y("events:Q", title="actions"))
    line = base.mark_line(color=INK, point=alt.OverlayMarkDef(color=INK)).encode(y=alt.Y("people:Q", title="people"))
    both = alt.layer(bars, line).resolve_scale(y="independent").properties(width=WIDTH, height=200)
    return styled(both, "Actions (bars) and people (line), month by month")  # type: ignore[no-any-return]


def _span(alias: str, first: date, until: date) -> str:
    return f"{alias}.day >= DATE '{first}' AND {alias}.day < DATE '{until}' AND {alias}.known_on < DATE '{until}'"
