"""Watching the champion in use."""

from typing import Annotated

import typer

from serving.options import Config, Data, Form, Home, settings
from serving.output import Column, Format, number, percent, write
from serving.progress import Progress

TOP = 10


def _decimals(value: object) -> str:
    return f"{float(str(value)):.2f}"


WATCHED = (
    Column(key="about", title="about"),
    Column(key="name", title="what"),
    Column(key="then", title="then", shown=number, right=True),
    Column(key="now", title="now", shown=number, right=True),
    Column(key="psi", title="PSI", shown=_decimals, right=True),
    Column(key="usual", title="explained", shown=_decimals, right=True),
    Column(key="distance", title="shift, sd", shown=_decimals, right=True),
    Column(key="weight", title="weight", shown=percent, right=True),
    *(Column(key=key, title=key, keep="program") for key in ("known_then", "known_now", "effect")),
    Column(key="alarm", title="", shown=lambda alarm: "!" if alarm else ""),
    Column(key="sentence", title="what it says", wraps=True),
)


def monitor(
    top: Annotated[int, typer.Option(min=0, help="Signals listed in the table.")] = TOP,
    form: Form = Format.table,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """Watch the champion: has the world moved, did its scores come true, is the data whole? For a scheduled job.

    Exit 0: fine, or wait; 3: retrain now; 4: mend the data first.
    """
    from serving import taking
    from serving.monitored import keep, rows
    from serving.monitoring import monitor as look
    from training import tracking

    chosen, progress = settings(config, data, home), Progress()
    champion = tracking.champion(chosen.tracking_uri)
    with taking.facts_of(chosen, progress) as facts:
        found = look(facts, champion, chosen, progress)
        folder = keep(found, facts, chosen, progress)
    judgement = found.judgement
    title = f"{judgement.verdict.capitalize()}: {judgement.reason}"
    listed = rows(found)
    if form is Format.table:
        signals = [row for row in listed if row["about"] == "signal"]
        listed = [row for row in listed if row["about"] not in ("verdict", "signal")] + signals[:top]
        title += (
            f"\n{min(top, len(signals))} of {len(signals)} signals: what moved, else what came nearest; "
            "--format csv has all."
        )
    write(listed, WATCHED, form, title=title)
    progress.say(f"wrote {folder / 'report.html'}")
    raise typer.Exit(judgement.exit_code)
