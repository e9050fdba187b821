"""Questions about what people do with the product, each a command."""

from typing import Annotated, Literal

import typer

from serving.commands.asking import Chart
from serving.options import Config, Data, Form, Home, settings
from serving.output import Format


def features(
    window_days: Annotated[int, typer.Option(min=1, help="Use in so many days before a renewal is looked at.")] = 84,
    least_days: Annotated[int, typer.Option(min=1, help="Used on so many days of them counts as having it.")] = 2,
    fewest: Annotated[int, typer.Option(min=5, help="Accounts needed with and without a feature.")] = 20,
    months: Annotated[int, typer.Option(min=1, help="Months in the matrix of use.")] = 12,
    form: Form = Format.table,
    chart: Chart = None,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """Which features go with staying, all else held still, checked on later renewals; and who uses what by month."""
    from serving.telling import told
    from training.analyses.sticky import Sticky
    from training.analyses.sticky import sticky as answer

    asked = Sticky(window_days=window_days, least_days=least_days, fewest=fewest, months=months)
    told(
        lambda facts, chosen: answer(facts, asked, grace_days=chosen.data.grace_days),
        settings(config, data, home),
        form,
        chart,
        "compare features",
    )


def aha(
    unit: Annotated[
        Literal["account", "user"] | None,
        typer.Option(help="Whose first days. [default: account where there are contracts, else user]"),
    ] = None,
    times: Annotated[list[int] | None, typer.Option(min=1, help="How often; repeat. [default: 1 to 34]")] = None,
    days: Annotated[list[int] | None, typer.Option(min=1, help="First days; repeat. [default: 7, 14, 28]")] = None,
    stay_days: Annotated[
        int | None, typer.Option(min=1, help="Stays who is there so many days later. [default: 400; users: 28]")
    ] = None,
    fewest: Annotated[int, typer.Option(min=5, help="Needed on both sides of a threshold.")] = 20,
    form: Form = Format.table,
    chart: Chart = None,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """Which early use goes with staying: a feature so often within the first days, tested on later cohorts."""
    from serving.telling import told
    from training.analyses.aha import Aha
    from training.analyses.aha import aha as answer

    usual = Aha()
    asked = Aha(
        unit=unit,
        times=tuple(times) if times else usual.times,
        days=tuple(days) if days else usual.days,
        stay_days=stay_days,
        fewest=fewest,
    )
    told(
        lambda facts, chosen: answer(facts, asked, grace_days=chosen.data.grace_days),
        settings(config, data, home),
        form,
        chart,
        "look at the first days",
    )
