"""The page of one look at a champion in use: one self-contained HTML file that loads nothing."""

from pathlib import Path
from typing import Final

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from serving.monitoring import Monitored
from serving.output import number, percent, printable
from training.drift import LARGE_PSI
from training.monitor import RISK
from training.monitor_charts import moved, nearest, risks

TEMPLATE: Final = "monitor_page.html"
SHOWN: Final = 25
TONES: Final = {"fine": "", "wait": "wait", "retrain now": "alarm", "mend the data first": "alarm"}


def page(found: Monitored, fingerprint: str) -> str:
    """The page; every text of the data is escaped."""
    # Every text is escaped but the drawings, which are made of numbers and the catalogue's names.
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(percent=percent, clean=printable, figure=_figure)
    signals, books = [one for one in found.seen.drifts if one.name != RISK], found.books
    weight = found.weights
    return environment.get_template(TEMPLATE).render(
        found=found,
        tone=TONES[found.judgement.verdict],
        charts=_charts(found),
        rows=[(one, weight.get(one.name, 0.0)) for one in nearest(signals)[:SHOWN]],
        jumped=set(found.seen.jumped),
        learnt_in=f"{books.learnt_in[0]:%Y-%m}",
        learnt_until=f"{books.learnt_in[-1]:%Y-%m}",
        textbook=sum(one.psi >= LARGE_PSI for one in signals),
        large=LARGE_PSI,
        fingerprint=fingerprint,
    )


def _charts(found: Monitored) -> list[tuple[str, str, str]]:
    if not found.seen.drifts:
        return []
    risk = found.books.scored.risk
    return [
        (
            "The book's risks",
            "Shares of accounts by the risk this version gives them: in the months of the year it learnt in, and now.",
            risks(risk[found.books.of(found.books.learnt_in)], risk[found.books.of([found.books.today])]),
        ),
        (
            "Signals nearest to drifting",
            "A bar beyond its mark has drifted: farther than the year it learnt in, and the trend of it, explain.",
            moved([one for one in found.seen.drifts if one.name != RISK]),
        ),
    ]


def _figure(value: float) -> str:
    return number(value) if np.isfinite(value) else "–"
