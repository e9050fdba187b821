"""The command `ebb`.

stdout is for results, stderr for progress; exit 0 fine, 1 a fault in the data or model, 2 wrong usage; of `ebb monitor`
also 3, retrain now, and 4, mend the data first.
"""

import logging
import os
import sys
from typing import Final

import typer

from features.errors import EbbError
from serving.commands import (
    asking,
    asking_health,
    asking_money,
    asking_team,
    asking_use,
    bento,
    demo,
    explaining,
    forecasting,
    keys,
    learning,
    models,
    monitor,
    people,
    pushing,
    reporting,
    scores,
    sent,
    service,
    setup,
    signal_table,
)

DEBUG: Final = "EBB_DEBUG"
"""Set to anything, it lets the whole trace of a fault through."""

NO_REPORTS: Final = ("DO_NOT_TRACK", "MLFLOW_DISABLE_TELEMETRY", "BENTOML_DO_NOT_TRACK")
"""No library reports home."""

app = typer.Typer(
    name="ebb",
    help="How likely each account is to leave, why, and what to do first.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for _command in (
    setup.init,
    demo.demo,
    learning.check,
    learning.train,
    learning.backtest,
    models.models,
    models.promote,
    models.rollback,
    scores.score,
    scores.worklist,
    pushing.push,
    explaining.explain,
    forecasting.forecast,
    monitor.monitor,
    sent.sent,
    asking.tiers,
    asking_health.health,
    asking_team.portfolios,
    asking_team.sharing,
    asking_money.retention,
    asking_money.economics,
    asking_money.promoters,
    asking.plays,
    asking_use.features,
    asking_use.aha,
    asking_health.alarms,
    asking_health.quadrants,
    asking_health.calendar,
    asking.analyse,
    service.serve,
    bento.bento,
    learning.signals,
    signal_table.build,
    signal_table.sql,
    setup.simulate,
):
    app.command()(_command)
app.add_typer(keys.app)
app.add_typer(reporting.app)
app.add_typer(people.app)


def main() -> None:
    """Run the command; every fault is one line on stderr."""
    os.environ.update(dict.fromkeys(NO_REPORTS, "true"))
    if not os.environ.get(DEBUG):
        _silence_warnings()
    try:
        app(prog_name="ebb")
    except EbbError as error:
        if os.environ.get(DEBUG):
            raise
        sys.exit(_said(str(error)))
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        told = " ".join(f"{type(error).__name__}: {error}".split())
        sys.exit(_said(f"{told}; this should not happen, {DEBUG}=1 shows where it did"))


def _silence_warnings() -> None:
    """Warnings are for developers; what a person must know is said in progress or as a fault."""
    logging.captureWarnings(True)
    logger = logging.getLogger("py.warnings")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False


def _said(text: str) -> int:
    """Say one line on stderr; the exit code of a fault."""
    sys.stderr.write(f"ebb: {text}\n")
    return 1
