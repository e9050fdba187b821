"""The whole of it on a simulated market: from facts to a served, explained list."""

from pathlib import Path
from typing import Annotated, Final

import typer

from serving.options import settings
from serving.output import Format
from serving.progress import Progress

ACCOUNTS: Final = 600
MONTHS: Final = 36
HOME: Final = Path(".ebb/demo")


def demo(
    home: Annotated[Path, typer.Option("--home", metavar="FOLDER", help="State of the demonstration.")] = HOME,
    accounts: Annotated[int, typer.Option(min=1, help="Accounts of the simulated market.")] = ACCOUNTS,
    months: Annotated[int, typer.Option(min=1, max=240, help="Months it is recorded for.")] = MONTHS,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same market.")] = 7,
    serve: Annotated[bool, typer.Option(help="Serve the result at the end.")] = True,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to serve on. [default: 3000]")] = None,
) -> None:
    """Simulate a market, check it, train, track, score it, print the worklist and serve it."""
    from serving import steps, taking
    from serving.commands import scores, service
    from serving.commands.setup import simulate
    from serving.questions import QUESTIONS, answer_all
    from serving.store import Choice, ScoreStore
    from serving.worklist import worklist
    from training import tracking

    progress = Progress()
    chosen = settings(None, home / "data", home, serve__port=port, serve__open=("all",))
    simulate(chosen.data.folder, accounts=accounts, months=months, seed=seed)
    with taking.facts_of(chosen, progress) as facts:
        steps.train(facts, chosen, progress)
        steps.score(facts, tracking.champion(chosen.tracking_uri), chosen, progress)
        if serve:
            answer_all(QUESTIONS, facts, chosen, progress)
    with ScoreStore(chosen.store_url) as store:
        scores.show(worklist(store, Choice(limit=10)), Format.table)
    progress.say(f"more: ebb worklist --home {home}; ebb explain ACCOUNT --home {home}; models: {chosen.tracking_uri}")
    if serve:
        service.start(chosen, None)
