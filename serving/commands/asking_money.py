"""Questions about who stays and what that is worth, each a command."""

from typing import Annotated, Literal

import typer

from serving.commands.asking import Chart
from serving.options import Config, Data, Form, Home, settings
from serving.output import Format

By = Annotated[str, typer.Option(help="Compare accounts by this column of theirs; none: no comparison.")]
NONE = "none"


def retention(
    start: Annotated[
        str | None, typer.Option(help="The event that begins it, or contract. [default: any event]")
    ] = None,
    returns: Annotated[str | None, typer.Option(help="The event that counts as coming back. [default: any]")] = None,
    unit: Annotated[Literal["account", "user"], typer.Option(help="Who is followed.")] = "account",
    every: Annotated[Literal["day", "week", "month"], typer.Option(help="The period; a month has 30 days.")] = "month",
    unbounded: Annotated[bool, typer.Option("--unbounded", help="In that period or a later one.")] = False,
    periods: Annotated[int, typer.Option(min=1, help="How many periods.")] = 12,
    cohort: Annotated[
        Literal["day", "week", "month", "quarter", "year"], typer.Option(help="Who began together.")
    ] = "month",
    by: By = "segment",
    warm_up_days: Annotated[
        int, typer.Option(min=0, help="Who is first seen so early in the record is left out: it may be older.")
    ] = 28,
    form: Form = Format.table,
    chart: Chart = None,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """Who comes back, period after period, by cohort and group, and how long accounts stay; with intervals."""
    from features.analyses.returning import Returning
    from serving.telling import told
    from training.analyses.retention import retention as answer

    asked = Returning(
        unit=unit,
        every=every,
        start=start,
        returns=returns,
        bounded=not unbounded,
        periods=periods,
        cohort=cohort,
        by=None if by == NONE else by,
        warm_up_days=warm_up_days,
    )
    told(
        lambda facts, chosen: answer(facts, asked, grace_days=chosen.data.grace_days),
        settings(config, data, home),
        form,
        chart,
        "follow who comes back",
    )
