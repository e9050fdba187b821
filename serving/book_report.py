"""The report of the whole book, for one's own leaders: how it stands, what is coming, and who needs help."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pandas as pd

from features import outcomes
from features.analyses.answer import Field, Sheet, percent
from features.errors import StoreError
from features.facts import Facts
from serving.answered import read
from serving.book import BANDS, Run, Score
from serving.config import Settings
from serving.ledger import SCORE_RUNS, SCORES
from serving.outlook import Outlook
from serving.output import money
from serving.reports import Part, Report, drawn, table
from serving.signal_book import BOOK
from serving.store import Choice, ScoreStore
from serving.worklist import Item, latest, worklist

TOP: Final = 15
QUARTER_DAYS: Final = 91
FORECAST_MONTHS: Final = 6

KEPT: Final = (
    ("health", "Health of the book"),
    ("alarms", "Alarms"),
    ("plays", "What plays do"),
    ("economics", "Unit economics"),
    ("portfolios", "Portfolios"),
)
"""Answers that are told where they were asked for (`ebb analyse`)."""

STANDING: Final = (
    Field(name="band", title="risk", kind="text", meaning="high, medium or low"),
    Field(name="accounts", title="accounts", kind="whole", meaning="how many"),
    Field(name="arr", title="ARR", kind="money", meaning="what they pay"),
    Field(name="at_risk", title="ARR at risk", kind="money", meaning="risk x ARR"),
)

HELP: Final = (
    Field(name="account", title="account", kind="text", meaning="its name"),
    Field(name="owner", title="owner", kind="text", meaning="its CSM"),
    Field(name="renewal", title="renewal", kind="date", meaning="the renewal date"),
    Field(name="at_risk", title="ARR at risk", kind="money", meaning="risk x ARR"),
    Field(name="risk", title="risk", kind="share", meaning="of leaving"),
    Field(name="why", title="why", kind="text", meaning="the strongest reason"),
    Field(name="todo", title="what to do", kind="text", meaning="the play"),
)

MONTHS: Final = (
    Field(name="month", title="month", kind="text", meaning="of the renewals"),
    Field(name="due", title="renewals", kind="whole", meaning="how many terms end"),
    Field(name="arr", title="ARR due", kind="money", meaning="what they pay"),
    Field(name="at_risk", title="at risk", kind="text", meaning="with its 80 % interval"),
    Field(name="renewed", title="renewed", kind="text", meaning="with its 80 % interval"),
)

SAVES: Final = (
    Field(name="what", title="said to be of high risk, decided since", kind="text", meaning="how it ended"),
    Field(name="accounts", title="terms", kind="whole", meaning="how many"),
    Field(name="arr", title="ARR", kind="money", meaning="what they paid"),
)


def book_report(facts: Facts, settings: Settings) -> Report:
    """The report of the latest run. Raises StoreError where nothing was scored."""
    with ScoreStore(settings.store_url) as store:
        run = latest(store)
        scores = store.scores(run, Choice())
        first = worklist(store, Choice(limit=TOP)).items
        saves = _saves(facts, store, grace_days=settings.data.grace_days)
    parts = [_standing(scores), _forecast(settings.home, run), saves, _help(first), *_kept(settings.home)]
    return Report(
        over="The book",
        title="Who stays, who may leave, and what is done",
        period=f"Book of {run.cutoff}, {len(scores):,} accounts",
        lead=_lead(run, scores),
        parts=[part for part in parts if part is not None],
        foot=f"Scored by {run.model_name} version {run.model_version}; only what was known before the cutoff counts.",
    )


def _lead(run: Run, scores: Sequence[Score]) -> list[str]:
    arr, at_risk = sum(one.arr or 0 for one in scores), sum(one.arr_at_risk or 0 for one in scores)
    high = sum(one.band == "high" for one in scores)
    lines = [f"{high:,} of {len(scores):,} accounts are of high risk; the mean risk of leaving is {percent(run.base)}."]
    if arr:
        lines.append(f"Of {money(arr)} ARR, {money(at_risk)} are at risk ({percent(at_risk / arr, 1)}).")
    if not run.usable:
        lines.append("No usable signal: every risk is a base rate.")
    return lines


def _standing(scores: Sequence[Score]) -> Part:
    rows = [
        {
            "band": band,
            "accounts": sum(one.band == band for one in scores),
            "arr": sum(one.arr or 0.0 for one in scores if one.band == band),
            "at_risk": sum(one.arr_at_risk or 0.0 for one in scores if one.band == band),
        }
        for band in BANDS
    ]
    return table("How the book stands", Sheet(name="standing", fields=STANDING, frame=pd.DataFrame(rows)))


def _forecast(home: Path, run: Run) -> Part | None:
    try:
        found = Outlook.read(home / BOOK, run.signals)
    except StoreError:
        return None
    rows = [
        {
            "month": month.month,
            "due": month.contracts,
            "arr": month.arr,
            "at_risk": _between(month.at_risk),
            "renewed": _between(month.renewed),
        }
        for month in found.months[:FORECAST_MONTHS]
    ]
    if not rows:
        return None
    says = []
    if found.grr is not None and found.nrr is not None:
        says = [f"Since {found.since}: GRR {percent(found.grr)}, NRR {percent(found.nrr)}. Intervals hold 80 %."]
    return table("The coming renewals", Sheet(name="months", fields=MONTHS, frame=pd.DataFrame(rows)), says)


def _between(found: Any) -> str:
    return f"{money(found.expected)} ({money(found.low_80)} to {money(found.high_80)})"


def _help(items: Sequence[Item]) -> Part:
    rows = [
        {
            "account": item.score.name or item.score.account_id,
            "owner": item.score.owner,
            "renewal": item.score.ends_on,
            "at_risk": item.score.arr_at_risk,
            "risk": item.score.risk,
            "why": item.reasons[0] if item.reasons else None,
            "todo": item.todo,
        }
        for item in items
    ]
    frame = pd.DataFrame(rows, columns=[one.name for one in HELP])
    return table("Who needs help first", Sheet(name="help", fields=HELP, frame=frame))


def _saves(facts: Facts, store: ScoreStore, *, grace_days: int) -> Part | None:
    """How those ended that were said to be of high risk before their term was decided, in the last quarter."""
    if not facts.knows("contracts"):
        return None
    outcomes.lay(facts, grace_days=grace_days)
    since = facts.cutoff - timedelta(days=QUARTER_DAYS)
    ended = facts.engine.frame(
        f"""SELECT contract_id, CAST(decided_on AS TIMESTAMP) AS decided_on, outcome_left, arr FROM terms
            WHERE decided_on > DATE '{since}' AND decided_on <= DATE '{facts.cutoff}'"""
    )
    query = (
        SCORES.join(SCORE_RUNS, SCORES.c.run == SCORE_RUNS.c.number)
        .select()
        .with_only_columns(SCORES.c.contract_id, SCORE_RUNS.c.cutoff)
        .where(SCORES.c.band == "high", SCORES.c.contract_id.is_not(None))
    )
    with store.database.reading() as connection:
        said = pd.DataFrame(connection.execute(query).all(), columns=["contract_id", "cutoff"])
    both = ended.merge(said, on="contract_id")
    both = both[pd.to_datetime(both["cutoff"]) <= both["decided_on"]].drop_duplicates("contract_id")
    if both.empty:
        return None
    rows = [
        {"what": what, "accounts": int(these.sum()), "arr": float(both.loc[these, "arr"].sum())}
        for what, these in (("stayed", both["outcome_left"] == 0), ("left", both["outcome_left"] == 1))
    ]
    says = [
        "Whether they stayed because of what was done, `ebb plays` tells: it compares with terms left out by chance."
    ]
    title = "What became of those said to be of high risk"
    return table(title, Sheet(name="saves", fields=SAVES, frame=pd.DataFrame(rows)), says)


def _kept(home: Path) -> list[Part]:
    found = [(title, read(home, name)) for name, title in KEPT]
    return [
        Part(
            title=title,
            says=[*answer.says, f"As of {answer.cutoff}."],
            picture=None if answer.chart is None else drawn(answer.chart),
        )
        for title, answer in found
        if answer is not None
    ]
