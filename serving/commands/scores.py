"""Scores: making them, the ranked list, and one account explained."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from features.errors import StoreError
from serving.book import Run, Score
from serving.options import Config, Data, Form, Home, settings
from serving.output import Column, Format, Marked, money, number, percent, short, write
from serving.progress import Progress

TOP = 20

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
            "renewal_date", "days_to_renewal", "reasons", "play", "todo",
        )
    ),
)  # fmt: skip

DRIVERS = (
    Column(key="family", title="family"),
    Column(key="contribution", title="share", shown=lambda share: f"{float(str(share)):+.2f}", right=True),
    Column(key="signal", title="signal", keep="program"),
    *(
        Column(key=key, title=title, shown=number, right=True)
        for key, title in (("now", "now"), ("before", "before"), ("typical", "typical"))
    ),
    Column(key="sentence", title="what it says", wraps=True),
)


def score(config: Config = None, data: Data = None, home: Home = None) -> None:
    """Score every open account with the champion; earlier scores stay as they were."""
    from serving import steps
    from training import tracking

    chosen, progress = settings(config, data, home), Progress()
    champion = tracking.champion(chosen.tracking_uri)
    with steps.facts_of(chosen, progress) as facts:
        steps.score(facts, champion, chosen, progress)


def worklist(
    top: Annotated[int | None, typer.Option(min=1, help=f"The first so many. [default: {TOP}]")] = None,
    bottom: Annotated[int | None, typer.Option(min=1, help="The last so many, and what keeps them.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only this owner's accounts.")] = None,
    segment: Annotated[str | None, typer.Option(help="Only this segment.")] = None,
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
        owner=owner, segment=segment, within_days=within_days, bottom=bottom is not None, limit=bottom or top or TOP
    )
    with ScoreStore(settings(config, data, home).store_url) as store:
        found = ranked(store, choice)
    show(found, form)


def show(found: Any, form: Format) -> None:
    """Write a worklist to stdout."""
    from serving.wire import listed

    run: Run = found.run
    rows = []
    for rank, item in enumerate(found.items, start=1):
        row = {"rank": rank, **listed(item).model_dump()}
        rows.append({**row, "who": _who(row), "renewal": _renewal(row), "how_likely": _likely(row), "why": _why(row)})
    write(rows, LISTED, form, title=headline(run))
    if not rows:
        Progress().say("no account fits; without --owner, --segment and --within-days there are more")


def headline(run: Run) -> str:
    """What stands above the list."""
    said = (
        f"Book of {run.cutoff}, scored by {run.model_name} version {run.model_version}; mean risk {percent(run.base)}"
    )
    if not run.usable:
        said += ". No usable signal: ranked by value and date only"
    return said


def explain(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id.")],
    form: Form = Format.table,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """One account: its risk, every driver with its value now, before and among healthy peers, and what to do."""
    from serving.store import ScoreStore
    from serving.worklist import latest

    with ScoreStore(settings(config, data, home).store_url) as store:
        run = latest(store)
        found = store.score(run.number or 0, account)
        if found is None:
            raise StoreError(_no_account(account, [known.account_id for known in store.scores(run)], run))
    rows = [vars(reason) for reason in sorted(found.reasons, key=lambda reason: -abs(reason.contribution))]
    write(rows, DRIVERS, form, title=_told(found, run))


def _told(score: Score, run: Run) -> str:
    from serving.plays import suggested

    play = suggested(score)
    at_risk = "" if score.arr_at_risk is None else f", {money(score.arr_at_risk)} of {money(score.arr)} ARR at risk"
    renews = f", renews {score.ends_on} ({_in_days(score.days_to_renewal)})" if score.ends_on else ""
    return (
        f"{score.name or score.account_id}: {percent(score.risk)} risk ({score.band}){at_risk}{renews}\n"
        f"{play.name}: {play.todo}\n{headline(run)}\nShares are in log-odds: above 0 raises the risk. "
        f"They and the base {score.base:+.2f} add to the risk."
    )


def _no_account(wanted: str, known: list[str], run: Run) -> str:
    from difflib import get_close_matches

    near = get_close_matches(wanted, known, n=1)
    said = f"; did you mean {near[0]}?" if near else ""
    return f"no account {short(60)(wanted)!r} among the {len(known):,} of the book of {run.cutoff}{said}"


def _who(row: Mapping[str, Any]) -> str:
    names = [
        row["name"] or row["account_id"],
        *([row["account_id"]] if row["name"] not in (None, row["account_id"]) else []),
    ]
    about = " · ".join(text for text in (row["owner"], row["segment"]) if text)
    return "\n".join(short(24)(text) for text in (*names, about) if text)


def _renewal(row: Mapping[str, Any]) -> str:
    return "–" if row["renewal_date"] is None else f"{row['renewal_date']}\n{_in_days(row['days_to_renewal'])}"


def _in_days(days: int | None) -> str:
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
    return f"{percent(row['risk'])} {row['band']}{money_at_risk}"


def _why(row: Mapping[str, Any]) -> Marked:
    reasons = [("•", f"{reason[:1].upper()}{reason[1:]}") for reason in row["reasons"]]
    return Marked(lines=(*reasons, ("→", row["todo"])))
