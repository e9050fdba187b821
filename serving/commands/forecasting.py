"""The renewals of the coming months in money."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from serving.options import Config, Data, Form, Home, settings
from serving.output import Column, Format, money, percent, write


def _between(value: object) -> str:
    assert isinstance(value, dict)
    return f"{money(value['expected'])}\n{money(value['low_80'])} to {money(value['high_80'])}"


def _share(value: object) -> str:
    assert isinstance(value, dict)
    return f"{percent(value['expected'])}\n{percent(value['low_80'])} to {percent(value['high_80'])}"


MONTHS = (
    Column(key="month", title="month"),
    Column(key="contracts", title="due", right=True),
    Column(key="arr", title="ARR due", shown=money, right=True),
    *(
        Column(key=key, title=title, shown=_between, right=True)
        for key, title in (
            ("at_risk", "at risk"),
            ("renewed", "renewed"),
            ("expanded", "expanded"),
        )
    ),
    Column(key="after", title="ARR after", keep="program"),
    Column(key="lost_contracts", title="lost", keep="program"),
    Column(key="grr", title="GRR", shown=_share, right=True),
    Column(key="nrr", title="NRR", shown=_share, right=True),
)


def forecast(
    months: Annotated[int, typer.Option(min=1, help="How many months.")] = 12,
    form: Form = Format.table,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """The renewals of each coming month: what is at risk, renewed and expanded, with 80 % intervals (95 % in JSON)."""
    from serving.outlook import Outlook
    from serving.signal_book import BOOK
    from serving.store import ScoreStore
    from serving.worklist import latest

    chosen = settings(config, data, home)
    with ScoreStore(chosen.store_url) as store:
        run = latest(store)
    found = Outlook.read(chosen.home / BOOK, run.signals)
    rows = [asdict(month) for month in found.months[:months]]
    write(rows, MONTHS, form, title=_told(found, run.usable))


def _told(found: Any, usable: bool) -> str:
    """What stands above the months."""
    lines = [f"Next renewals of the book of {found.cutoff}, each account's next one; 80 % intervals below."]
    if found.grr is not None:
        lines.append(f"Since {found.since}: GRR {percent(found.grr)}, NRR {percent(found.nrr)}.")
    if not found.months:
        lines.append("No account has a renewal date and an ARR.")
    if not usable:
        lines.append("No usable signal: every risk is a base rate.")
    return "\n".join(lines)
