"""Questions about how accounts use the product: health, alarms, quadrants and the calendar of an account's life."""

from datetime import datetime
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


def alarms(
    days: Annotated[int, typer.Option(min=1, max=365, help="Alarms of the last so many days.")] = 30,
    a_week: Annotated[int | None, typer.Option(min=1, help="New alarms a week, at most. [default: the team's]")] = None,
    drop: Annotated[float, typer.Option(help="The share of its usual use that must be missing.")] = 0.35,
    sure: Annotated[float, typer.Option(help="How rare that must be, in standard deviations.")] = 3.3,
    least: Annotated[float, typer.Option(help="Accounts of which less is expected in three weeks are silent.")] = 30.0,
    acknowledge: Annotated[
        str | None, typer.Option(metavar="ACCOUNT", help="Stop the alarm of this account, and tell nothing.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="With --acknowledge: what was done.")] = None,
    form: Form = Format.table,
    chart: Chart = None,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """Accounts that use the product far less than they usually do, while all others hold; nobody told twice."""
    from serving.questions import alarms_of
    from serving.telling import told

    chosen = settings(config, data, home)
    if acknowledge is not None:
        from serving.acknowledged import acknowledge as keep

        keep(chosen, acknowledge, note)
        typer.echo(f"the alarm of {acknowledge} is acknowledged", err=True)
        return
    asked = {"days": days, "drop": drop, "sure": sure, "least": least} | ({} if a_week is None else {"a_week": a_week})
    told(lambda facts, given: alarms_of(facts, given, **asked), chosen, form, chart, "watch every account's use")


def quadrants(
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Moves since this day. [default: 90 days before the cutoff]"),
    ] = None,
    healthy: Annotated[
        float | None, typer.Option("--health", help="Where health parts. [default: where it is green]")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="Where temperature parts. [default: the mean of the book]")
    ] = None,
    form: Form = Format.table,
    chart: Chart = None,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """Health against temperature: who is to be shown what is new, closed, trained or asked why, and who moved."""
    from serving.questions import quadrants_of
    from serving.telling import told

    day = None if since is None else since.date()
    told(
        lambda facts, given: quadrants_of(facts, given, since=day, health=healthy, temperature=temperature),
        settings(config, data, home),
        form,
        chart,
        "place the accounts in quadrants",
    )


def calendar(
    ahead: Annotated[int, typer.Option(min=1, help="What is due within so many days.")] = 30,
    form: Form = Format.table,
    chart: Chart = None,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """What is due for which account: first steps, check-ins, renewal work, regular contact; and what was missed."""
    from serving.questions import calendar_of
    from serving.telling import told

    told(
        lambda facts, given: calendar_of(facts, given, ahead=ahead),
        settings(config, data, home),
        form,
        chart,
        "lay out the calendar",
    )
