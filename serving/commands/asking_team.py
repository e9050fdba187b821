"""Questions about who looks after whom, and who takes more than was agreed, each a command."""

from typing import Annotated

import typer

from serving.commands.asking import Chart
from serving.options import Config, Data, Form, Home, settings
from serving.output import Format

Hours = Annotated[float, typer.Option(min=0, help="Hours a month that such an account takes.")]


def portfolios(
    people: Hours = 6.0,
    shared: Hours = 2.0,
    programmes: Hours = 0.25,
    free: Hours = 0.0,
    new: Annotated[float, typer.Option(min=0, help="Hours a month that a new account takes beside that.")] = 3.0,
    new_days: Annotated[int, typer.Option(min=0, help="New is who began so lately.")] = 60,
    capacity: Annotated[float, typer.Option(min=1, help="Hours a month that a CSM has for accounts.")] = 120.0,
    tolerance: Annotated[float, typer.Option(min=0, help="Loads so close to the mean are balanced.")] = 0.1,
    most_moves: Annotated[int, typer.Option(min=0, help="Moves proposed at most.")] = 20,
    form: Form = Format.table,
    chart: Chart = None,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """What each CSM carries, against what one can, and few moves that balance it; key accounts stay."""
    from features.analyses.portfolios import Portfolios
    from features.analyses.portfolios import portfolios as answer
    from serving.telling import told

    asked = Portfolios(
        people=people,
        shared=shared,
        programmes=programmes,
        free=free,
        new=new,
        new_days=new_days,
        capacity=capacity,
        tolerance=tolerance,
        most_moves=most_moves,
    )
    told(
        lambda facts, chosen: answer(facts, asked, grace_days=chosen.data.grace_days),
        settings(config, data, home),
        form,
        chart,
        "weigh the portfolios",
    )


def sharing(
    window_days: Annotated[int, typer.Option(min=28, help="Use in so many days is looked at.")] = 84,
    fewest_hours: Annotated[int, typer.Option(min=1, help="Logins seen in fewer hours are not judged.")] = 20,
    cost_share: Annotated[float, typer.Option(min=0, help="Told from this cost to serve, of what is paid.")] = 1.0,
    form: Form = Format.table,
    chart: Chart = None,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """Accounts whose logins several people seem to use, or that cost more to serve than they pay, with evidence."""
    from serving.telling import told
    from training.analyses.sharing import Sharing
    from training.analyses.sharing import sharing as answer

    asked = Sharing(window_days=window_days, fewest_hours=fewest_hours, cost_share=cost_share)
    told(
        lambda facts, chosen: answer(facts, asked, grace_days=chosen.data.grace_days),
        settings(config, data, home),
        form,
        chart,
        "look for shared logins",
    )
