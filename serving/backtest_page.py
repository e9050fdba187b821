"""The page of a backtest: one self-contained HTML file for heads of customer success and data scientists."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from serving.backtests import Loss, by_band, lost, shown
from serving.output import money, percent, printable
from serving.said import BacktestRun, Said
from training import backtest_charts

TEMPLATE: Final = "backtest_page.html"

MOST_LOSSES: Final = 300
"""Losses shown of each kind; the store holds all of them."""

KINDS: Final[tuple[tuple[str, str, str], ...]] = (
    ("by_lead_days", "By days before the renewal", "days before"),
    ("by_segment", "By segment", "segment"),
    ("by_size", "By size of the account", "size"),
    ("by_term", "By length of the term", "term"),
    ("by_quarter", "By quarter", "quarter"),
)

METRICS: Final = (
    ("auc", "AUC"),
    ("average_precision", "AP"),
    ("brier", "Brier"),
    ("ece", "ECE"),
    ("lift_at_10_percent", "lift"),
    ("recall_at_capacity", "recall"),
    ("arr_recall_at_capacity", "ARR recall"),
)


def page(run: BacktestRun, said: Sequence[Said]) -> str:
    """The page, from what the store keeps and nothing else; every text of the data is escaped."""
    # Every text is escaped but the drawings, which are made of numbers and our own words.
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(percent=percent, money=money, clean=_clean, figure=_figure)
    losses = lost(said)
    warned = [loss for loss in losses if loss.warned is not None]
    missed = [loss for loss in losses if loss.warned is None]
    return environment.get_template(TEMPLATE).render(
        run=run,
        overall=run.figures["overall"],
        kinds=[(title, head, run.figures[key]) for key, title, head in KINDS if len(run.figures[key]) > 1],
        metrics=METRICS,
        charts=_charts(run, said),
        bands=by_band(said),
        tiles=_tiles(run, said, losses, warned),
        lists=[
            ("Lost after a warning", "Said to be high at least once before the end.", *_cut(warned)),
            ("Lost without a warning", "Never said to be high: what Ebb did not see.", *_cut(missed)),
        ],
        losses=len(losses),
        accounts=len({one.account_id for one in said}),
        looks=len(said),
        inactivity=run.mode == "inactivity",
    )


def _cut(losses: Sequence[Loss]) -> tuple[list[Loss], int, float]:
    """Those that are shown, how many there are, and their ARR."""
    return [shown(loss) for loss in losses[:MOST_LOSSES]], len(losses), _arr(losses)


def _arr(losses: Sequence[Loss]) -> float:
    return sum(loss.arr or 0.0 for loss in losses)


def _charts(run: BacktestRun, said: Sequence[Said]) -> list[tuple[str, str, str]]:
    """Title, how to read it, and the drawing, which no text of the data gets into."""
    left = np.array([one.outcome for one in said], dtype=float)
    risk = np.array([one.risk for one in said])
    names = [one.contract_id or "" for one in said]
    times = {name: names.count(name) for name in set(names)} if len(set(names)) > 1 else {}
    weights = np.array([1 / times.get(name, 1) for name in names])
    drawn = [
        (
            "Accuracy against lead time",
            "AUC: how often one that left was ranked above one that stayed. Bands: 95 % intervals by account.",
            backtest_charts.by_lead(run.figures),
        ),
        (
            "Calibration",
            "Of those given a risk, how many left. On the dashed line, a risk of 20 % means that 20 % left.",
            backtest_charts.calibration(left, risk, weights),
        ),
        (
            "What was said, and what came",
            "Mean risk of the looks of each quarter, and the share of them that left.",
            backtest_charts.by_quarter(run.figures),
        ),
    ]
    return [(title, reads, svg) for title, reads, svg in drawn if svg]


def _tiles(
    run: BacktestRun, said: Sequence[Said], losses: Sequence[Loss], warned: Sequence[Loss]
) -> list[tuple[str, str, str]]:
    """The figures that a reader wants first: title, figure, and what it means."""
    overall, all_arr = run.figures["overall"], _arr(losses)
    among = [one.among for one in said if one.among]
    book = f" of {median(among):,.0f}" if among else ""
    share = f"{percent(len(warned) / len(losses))}" if losses else "–"
    of_arr = f"; {percent(_arr(warned) / all_arr)} of the ARR lost" if all_arr else ""
    days = [loss.warned for loss in warned if loss.warned is not None]
    return [
        ("Losses warned of", share, f"{len(warned):,} of {len(losses):,} said high before the end{of_arr}"),
        ("First warning", f"{median(days):.0f} days" if days else "–", "before the end, half of them earlier"),
        (
            f"In the first {run.capacity}{book}",
            _percent(overall["recall_at_capacity"]),
            f"of the looks at losses, {_percent(overall['arr_recall_at_capacity'])} of their ARR: a week's capacity",
        ),
        ("AUC", _figure(overall["auc"]), f"95 % interval {_interval(overall['auc'])}; .5 is chance"),
        (
            "Calibration",
            f"{percent(overall['said'])} said",
            f"{percent(overall['left'])} left; mean gap {_figure(overall['ece'])} (ECE)",
        ),
    ]


def _percent(metric: Mapping[str, Any]) -> str:
    return "–" if metric["value"] is None else percent(metric["value"])


def _figure(metric: Mapping[str, Any]) -> str:
    return "–" if metric["value"] is None else f"{metric['value']:.3f}"


def _interval(metric: Mapping[str, Any]) -> str:
    return "not known" if metric["low"] is None else f"{metric['low']:.3f} to {metric['high']:.3f}"


def _clean(text: str | None) -> str:
    return printable(text) if text else ""
