"""Questions about the whole book: each a command, and `ebb analyse` for all of them."""

from pathlib import Path
from typing import Annotated

import typer

from serving.options import Config, Data, Form, Home, settings
from serving.output import Format

Chart = Annotated[
    Path | None,
    typer.Option("--chart", metavar="FILE", help="Draw the answer too: .html, .svg, .png or .json (Vega-Lite)."),
]
Names = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Which questions. [default: all]")]


def tiers(
    people: Annotated[float, typer.Option(min=0, max=1, help="Who pays this share of all ARR gets a person.")] = 0.5,
    shared: Annotated[float, typer.Option(min=0, max=1, help="Who pays up to this share shares one.")] = 0.8,
    form: Form = Format.table,
    chart: Chart = None,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """Accounts by what they pay: who gets people, who shares them, who gets programmes; free and dormant ones apart."""
    from features.analyses.tiers import Tiers
    from features.analyses.tiers import tiers as answer
    from serving.telling import told

    asked = Tiers(people=people, shared=shared)
    told(
        lambda facts, chosen: answer(facts, asked, grace_days=chosen.data.grace_days),
        settings(config, data, home),
        form,
        chart,
        "sort the accounts into tiers",
    )


def plays(
    form: Form = Format.table,
    chart: Chart = None,
    config: Config = None,
    data: Data = None,
    home: Home = None,
) -> None:
    """What each play does to the share that leaves, against terms left out by chance; "no proof yet" until there is."""
    from serving.questions import question
    from serving.telling import told

    told(question("plays").answer, settings(config, data, home), form, chart, "compare the plays")


def analyse(names: Names = None, config: Config = None, data: Data = None, home: Home = None) -> None:
    """Answer every question about the book with its usual options, and keep the answers for the API and the pages."""
    from serving.progress import Progress
    from serving.questions import QUESTIONS, answer_all, question
    from serving.taking import facts_of

    wanted = [question(name) for name in names] if names else list(QUESTIONS)
    chosen, progress = settings(config, data, home), Progress()
    with facts_of(chosen, progress) as facts:
        answer_all(wanted, facts, chosen, progress)
