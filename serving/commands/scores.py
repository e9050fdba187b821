"""Scores: making them, and the ranked list."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from serving.book import Band, Run
from serving.options import Config, Data, Form, Home, settings
from serving.output import Column, Format, Marked, money, percent, short, write
from serving.progress import Progress

TOP = 20

MOVED = 0.05
"""A risk that moved by five points or more since the run before is said to have changed."""

LISTED = (
    Column(key="rank", title="#", right=True),
    Column(key="who", title="account", keep="person"),
    Column(key="renewal", title="renewal", keep="person"),
    Column(key="how_likely", title="risk, ARR at risk", keep="person"),
    Column(key="why", title="why, and what to do", wraps=True, keep="person"),
    *(
        Column(key=key, title=key, keep="program")
        for key in (
            "account_id", "name", "owner", "segment", "risk", "band", "arr", "arr_at_risk",
            "renewal_date", "days_to_renewal", "temperature", "risk_before", "changed", "reasons", "play", "todo",
            "due", "left_out",
        )
    ),
)  # fmt: skip


def score(
    analyse: Annotated[bool, typer.Option("--analyse", help="Answer every question about the book too.")] = False,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """Score every open account with the champion; earlier scores stay as they were."""
    from serving import steps, taking
    from serving.questions import QUESTIONS, answer_all
    from training import tracking

    chosen, progress = settings(config, data, home), Progress()
    champion = tracking.champion(chosen.tracking_uri)
    with taking.facts_of(chosen, progress) as facts:
        steps.score(facts, champion, chosen, progress)
        if analyse:
            answer_all(QUESTIONS, facts, chosen, progress)


def worklist(
    top: Annotated[int | None, typer.Option(min=1, help=f"The first so many. [default: {TOP}]")] = None,
    bottom: Annotated[int | None, typer.Option(min=1, help="The last so many, and what keeps them.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only this owner's accounts.")] = None,
    segment: Annotated[str | None, typer.Option(help="Only this segment.")] = None,
    plan: Annotated[str | None, typer.Option(help="Only this plan.")] = None,
    band: Annotated[Band | None, typer.Option(help="Only risks of this band.")] = None,
    within_days: Annotated[int | None, typer.Option(min=0, help="Only renewals within so many days.")] = None,
    form: Form = Format.table,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """Accounts by expected ARR lost (risk x ARR; without ARR by risk), with reasons and what to do."""
    from serving.store import Choice, ScoreStore
    from serving.worklist import worklist as ranked

    if top is not None and bottom is not None:
        raise typer.BadParameter("--top and --bottom exclude each other", param_hint="--bottom")
    choice = Choice(
        owner=owner,
        segment=segment,
        plan=plan,
        band=band,
        within_days=within_days,
        bottom=bottom is not None,
        limit=bottom or top or TOP,
    )
    with ScoreStore(settings(config, data, home).store_url) as store:
        found = ranked(store, choice)
    show(found, form)


def show(found: Any, form: Format) -> None:
    """Write a worklist to stdout."""
    from serving.wired import listed

    run: Run = found.run
    rows = []
    for rank, item in enumerate(found.items, start=1):
        row = {"rank": rank, **listed(item).model_dump()}
        rows.append({**row, "who": _who(row), "renewal": _renewal(row), "how_likely": _likely(row), "why": _why(row)})
    write(rows, LISTED, form, title="\n".join(text for text in (headline(run), _cold(found)) if text))
    if not rows:
        Progress().say("no account fits; with fewer options there are more")


def _cold(found: Any) -> str:
    """Why there are no temperatures; nothing where there are."""
    return "" if found.no_temperature is None else f"No temperature: {found.no_temperature}"


def headline(run: Run) -> str:
    """What stands above the list."""
    said = (
        f"Book of {run.cutoff}, scored by {run.model_name} version {run.model_version}; mean risk {percent(run.base)}"
    )
    if not run.usable:
        said += ". No usable signal: ranked by value and date only"
    return said


def _who(row: Mapping[str, Any]) -> str:
    names = [
        row["name"] or row["account_id"],
        *([row["account_id"]] if row["name"] not in (None, row["account_id"]) else []),
    ]
    about = " · ".join(text for text in (row["owner"], row["segment"]) if text)
    return "\n".join(short(24)(text) for text in (*names, about) if text)


def _renewal(row: Mapping[str, Any]) -> str:
    return "–" if row["renewal_date"] is None else f"{row['renewal_date']}\n{in_days(row['days_to_renewal'])}"


def in_days(days: int | None) -> str:
    """How far ahead a renewal is, in words."""
    match days:
        case None:
            return ""
        case 0:
            return "today"
        case 1:
            return "in 1 day"
        case _ if days < 0:
            return f"{-days} days ago"
    return f"in {days} days"


def _likely(row: Mapping[str, Any]) -> str:
    money_at_risk = "" if row["arr_at_risk"] is None else f"\n{money(row['arr_at_risk'])} of {money(row['arr'])}"
    warm = "" if row["temperature"] is None else f"\ntemperature {row['temperature']:.0f} of 100"
    return f"{percent(row['risk'])} {row['band']}{money_at_risk}{warm}"


def _why(row: Mapping[str, Any]) -> Marked:
    reasons = [("•", f"{reason[:1].upper()}{reason[1:]}") for reason in row["reasons"]]
    before = row["risk_before"]
    moved = before is not None and abs(row["risk"] - before) >= MOVED
    change = [("Δ", f"{percent(before)} before; {'; '.join(row['changed'])}".rstrip("; "))] if moved else []
    return Marked(lines=(*reasons, *change, ("→", row["todo"])))
