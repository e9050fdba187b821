"""Reports for leaders: of one customer, and of the whole book."""

from pathlib import Path
from typing import Annotated

import typer

from serving.options import Config, Data, Home, settings
from serving.progress import Progress

app = typer.Typer(
    name="report", help="Reports for leaders: of one customer for its own, of the book for yours.", no_args_is_help=True
)

Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help=".html or .pdf. [default: report-….html in this folder]")
]


@app.command()
def account(
    account_id: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id.")],
    months: Annotated[int, typer.Option(min=1, max=36, help="How many months it looks back.")] = 12,
    out: Out = None,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """What a customer's people did and achieved, beside their peers, and what next; nothing about risk."""
    from features.analyses.customer import Customer, customer
    from serving.reports import checked, of_customer, save
    from serving.taking import facts_of

    asked = Customer(account_id=account_id, months=months)
    safe = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in account_id)
    path = checked(out or Path(f"report-{safe[:80]}.html"))
    chosen, progress = settings(config, data, home), Progress()
    with facts_of(chosen, progress) as facts, progress.step("look at what they did"):
        found = customer(facts, asked, grace_days=chosen.data.grace_days)
    with progress.step("write the report"):
        save(of_customer(found), path)
    typer.echo(path)


@app.command()
def book(out: Out = None, config: Config = None, data: Data = None, home: Home = None) -> None:
    """How the book stands, what is coming, what became of those at risk, and who needs help first."""
    from serving.book_report import book_report
    from serving.reports import checked, save
    from serving.taking import facts_of

    path = checked(out or Path("report-book.html"))
    chosen, progress = settings(config, data, home), Progress()
    with facts_of(chosen, progress) as facts, progress.step("put the report together"):
        found = book_report(facts, chosen)
    with progress.step("write the report"):
        save(found, path)
    typer.echo(path)
