"""One account explained: why, what changed, and what would lower the risk most."""

from typing import Annotated, Any

import typer

from features.errors import StoreError
from serving.book import Run, Score
from serving.commands.scores import headline, in_days
from serving.options import Config, Data, Form, Home, settings
from serving.output import Column, Format, money, number, percent, short, write


def _share(value: object) -> str:
    return f"{float(str(value)):+.2f}"


DRIVERS = (
    Column(key="family", title="family"),
    Column(key="contribution", title="share", shown=_share, right=True),
    Column(key="change", title="change", shown=_share, right=True),
    Column(key="signal", title="signal", keep="program"),
    *(
        Column(key=key, title=title, shown=number, right=True)
        for key, title in (("now", "now"), ("before", "before"), ("typical", "typical"))
    ),
    Column(key="sentence", title="what it says", wraps=True),
)

WARM = (
    Column(key="temperature", title="", keep="program"),
    *(column for column in DRIVERS if column.key != "change"),
)

LEVERS = (
    Column(key="risk", title="risk then", shown=percent, right=True),
    Column(key="family", title="family"),
    Column(key="signal", title="signal"),
    *(Column(key=key, title=key, shown=number, right=True) for key in ("now", "to")),
    Column(key="sentence", title="what would change", wraps=True),
)

NOT_A_PROMISE = "What would lower the risk most, as the model expects it, one signal at a time and all else equal:"


def explain(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id.")],
    levers: Annotated[bool, typer.Option("--levers", help="Only what would lower the risk most.")] = False,
    temperature: Annotated[
        bool, typer.Option("--temperature", help="Only how likely it is to buy more, and why.")
    ] = False,
    form: Form = Format.table,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """One account: every driver now, before, among healthy peers; what changed; what would lower the risk most."""
    from serving.desk import Desk
    from serving.store import ScoreStore
    from serving.worklist import latest

    chosen = settings(config, data, home)
    found = Desk(chosen).account(account, past=1)
    if found is None:
        with ScoreStore(chosen.store_url) as store:
            run = latest(store)
            raise StoreError(_no_account(account, [known.account_id for known in store.scores(run)], run))
    if temperature:
        _warm(found, form)
        return
    if not levers:
        ranked = sorted(found.score.reasons, key=lambda reason: -abs(reason.contribution))
        moved = {} if found.changes is None else {one.family: one.difference for one in found.changes.families}
        rows = [{**vars(reason), "change": moved.get(reason.family)} for reason in ranked]
        write(rows, DRIVERS, form, title=_told(found))
    if not levers and form is Format.table:
        _warm(found, form)
    if levers or form is Format.table:
        title = NOT_A_PROMISE if found.levers else "No lever: nothing a person can change is worse than among peers."
        write([vars(lever) for lever in found.levers], LEVERS, form, title=title)


def _warm(found: Any, form: Format) -> None:
    """How likely the account is to buy more, with every driver; or why that is not known."""
    if found.temperature is None:
        write([], WARM, form, title=f"No temperature: {found.no_temperature}")
        return
    warm, warmth = found.temperature, found.warmth
    title = (
        f"{found.score.name or found.score.account_id}: temperature {warm.value:.0f} of 100, the chance in per cent to "
        f"buy more within {warmth.horizon_days} days, by {warmth.model_name} version {warmth.model_version}\n"
        "Shares are in log-odds, against the average account: above 0 makes buying more likely. "
        f"They and the base {warm.base:+.2f} add to the chance."
    )
    ranked = sorted(warm.reasons, key=lambda reason: -abs(reason.contribution))
    write([{**vars(reason), "temperature": warm.value} for reason in ranked], WARM, form, title=title)


def _told(found: Any) -> str:
    score: Score = found.score
    at_risk = "" if score.arr_at_risk is None else f", {money(score.arr_at_risk)} of {money(score.arr)} ARR at risk"
    renews = f", renews {score.ends_on} ({in_days(score.days_to_renewal)})" if score.ends_on else ""
    return (
        f"{score.name or score.account_id}: {percent(score.risk)} risk ({score.band}){at_risk}{renews}\n"
        f"{_moved(found)}{found.item.play.name}: {found.item.todo}\n{headline(found.run)}\n"
        "Shares are in log-odds, against healthy accounts: above 0 raises the risk. "
        f"They and the base {score.base:+.2f} add to the risk."
    )


def _moved(found: Any) -> str:
    """What changed since the run before, as one line; nothing where there was none."""
    if found.changes is None:
        return ""
    past = f"{percent(found.changes.risk_before)} on {found.changes.since}"
    if found.changes.incomparable:
        return f"It was {past}, but {found.changes.incomparable}: shares cannot be compared\n"
    return f"It was {past}; the term and date alone moved its log-odds by {found.changes.base:+.2f}\n"


def _no_account(wanted: str, known: list[str], run: Run) -> str:
    from difflib import get_close_matches

    near = get_close_matches(wanted, known, n=1)
    said = f"; did you mean {near[0]}?" if near else ""
    return f"no account {short(60)(wanted)!r} among the {len(known):,} of the book of {run.cutoff}{said}"
