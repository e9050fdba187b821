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


def economics(
    by: By = "segment",
    cohort: Annotated[Literal["quarter", "year"], typer.Option(help="Who began together.")] = "year",
    months: Annotated[int, typer.Option(min=1, help="How far LTV looks.")] = 60,
    discount: Annotated[float, typer.Option(min=0, help="What money a year later is worth less.")] = 0.1,
    margin: Annotated[float, typer.Option(min=0, max=1, help="Share of ARR left before the cost to serve.")] = 1.0,
    form: Form = Format.table,
    chart: Chart = None,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """What an account is worth against what winning it costs, when it is paid back, and how the ARR moved in a year."""
    from serving.telling import told
    from training.analyses.economics import Economics
    from training.analyses.economics import economics as answer

    asked = Economics(by=None if by == NONE else by, cohort=cohort, months=months, discount=discount, margin=margin)
    told(
        lambda facts, chosen: answer(facts, asked, grace_days=chosen.data.grace_days),
        settings(config, data, home),
        form,
        chart,
        "count what accounts are worth",
    )


def promoters(
    nps: Annotated[float, typer.Option(min=0, max=10, help="Mean answer from which an account would recommend.")] = 9.0,
    growth: Annotated[float, typer.Option(min=0, help="Growth of use beyond that of the book.")] = 0.1,
    window_days: Annotated[int, typer.Option(min=7, help="Use in so many days, against those before.")] = 84,
    answer_days: Annotated[int, typer.Option(min=1, help="Older answers do not count.")] = 365,
    form: Form = Format.table,
    chart: Chart = None,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """Whom to ask for a referral or a case study: accounts that would recommend and use more and more."""
    from features.analyses.promoters import Promoters
    from features.analyses.promoters import promoters as answer
    from serving.telling import told

    asked = Promoters(nps=nps, growth=growth, window_days=window_days, answer_days=answer_days)
    told(
        lambda facts, chosen: answer(facts, asked, grace_days=chosen.data.grace_days),
        settings(config, data, home),
        form,
        chart,
        "look for promoters",
    )
