"""Questions about how accounts use the product: health, alarms, quadrants and the calendar of an account's life."""

from typing import Annotated

import typer

from serving.commands.asking import Chart
from serving.options import Config, Data, Form, Home, settings
from serving.output import Format

Weight = Annotated[float | None, typer.Option(min=0, help="Weight of the group, set by hand. [default: learnt]")]


def health(
    best: Annotated[int, typer.Option(min=5, max=100, help="How many of the healthiest are told.")] = 10,
    worst: Annotated[int, typer.Option(min=5, max=100, help="How many of the least healthy are told.")] = 10,
    frequency: Weight = None,
    time: Weight = None,
    adoption: Weight = None,
    form: Form = Format.table,
    chart: Chart = None,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """The health of every account, 0 to 100: the best, the worst, the weights, and whether it tells who leaves."""
    from serving.questions import health_of
    from serving.telling import told

    chosen = settings(config, data, home, health__frequency=frequency, health__time=time, health__adoption=adoption)
    told(
        lambda facts, given: health_of(facts, given, best=best, worst=worst),
        chosen,
        form,
        chart,
        "measure the health of the accounts",
    )
