"""Questions about what people do with the product, each a command."""

from typing import Annotated

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
