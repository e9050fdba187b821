"""Is the wish to buy more found where it is planted, and nothing where nothing is? To result.json and README.md."""

import json
import re
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from features import table
from features.engines.duckdb import DuckEngine
from features.intake import take_in
from features.signal import columns
from features.signals import CATALOGUE
from features.snapshots import Expansion, Renewal
from features.sources.market import MarketSettings, simulate
from features.sources.market.growth import chance_to_buy
from features.sources.simulated import Simulated
from training.dataset import Dataset
from training.leaks import alone
from training.models.base_rate import DUE_SIGNAL, TERM_EDGES, TERM_SIGNAL
from training.score import kind_classes
from training.target import DUE, EXPANSION, models_of
from training.train import Trained, TrainSettings, train

HERE = Path(__file__).parent
ACCOUNTS, MONTHS, VOLUME, HORIZON = 600, 36, 0.3, 90
PLANTED, CHANCE = (311, 312), (321, 322)
"""Markets that nothing was tried on before."""

NULL_ACCOUNTS, NULL_SEEDS, EXCHANGES = 200, (331, 332, 333, 334, 335), 8
"""Small books in which nothing is planted: so many markets, the outcomes of each exchanged so many times."""

ONE_TEST = 1.645
"""Standard errors that chance reaches in one of twenty cases where a single candidate is tested."""

AMONG = {"timing": "cutoff, term and days to its end", "kind": "cutoff and kind"}
RULES = {
    "proven": "used at all: the base rate is more than one standard error behind the best",
    "alone": "1.645 standard errors, as if one candidate were tested",
    "shown": "**a temperature is shown: the level of 5 % parted among the candidates**",
}

NULLS = re.compile(r"(<!-- nulls -->\n).*?(<!-- end: nulls -->)", re.DOTALL)

LEAD = (30, 75)
"""Days to the renewal between which it surely falls into the horizon and is not decided yet."""


def main() -> None:
    """Measure every market, writing what there is after each; by ``timing`` or ``kind``: small books of chance."""
    if sys.argv[1:]:
        measure_nulls(sys.argv[1])
        return
    rows: list[dict] = []
    for name, data, wants in sets():
        rows.append(measure(name, data, wants))
        (HERE / "result.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
        page = HERE / "README.md"
        put = rf"\g<1>{shown(rows)}\n\g<2>"
        text = re.sub(
            r"(<!-- figures -->\n).*?(<!-- end: figures -->)", put, page.read_text(encoding="utf-8"), flags=re.DOTALL
        )
        page.write_text(text, encoding="utf-8")


def sets() -> Iterator[tuple[str, Dataset, pd.DataFrame]]:
    """Markets with growth planted, with outcomes exchanged among like accounts, and with growth by chance."""
    for growth, seeds in (("planted", PLANTED), ("chance", CHANCE)):
        for seed in seeds:
            settings = MarketSettings(accounts=ACCOUNTS, months=MONTHS, seed=seed, volume=VOLUME, growth=growth)
            data, wants = market(settings)
            yield f"{growth} {seed}", data, wants
            if growth == "planted":
                yield f"exchanged {seed}", exchanged(data, seed), wants


def market(settings: MarketSettings) -> tuple[Dataset, pd.DataFrame]:
    """The snapshots of a market, and who wanted more from when on."""
    with DuckEngine(threads=2) as engine:
        facts = take_in(Simulated(settings=settings), engine, None, now=date(2100, 1, 1))
        found = table.past(facts, Expansion(of=Renewal(), horizon_days=HORIZON))
    return Dataset(keys=found.keys, signals=found.signals, left=found.left), simulate(settings).wants


def measure_nulls(by: str) -> None:
    """How often a temperature is shown in small books where outcomes were exchanged: to nulls.json and README.md."""
    file, how = HERE / "nulls.json", {"timing": exchanged, "kind": exchanged_by_kind}[by]
    rows: list[dict] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    rows = [row for row in rows if row["exchanged"] != by]
    for seed in NULL_SEEDS:
        settings = MarketSettings(accounts=NULL_ACCOUNTS, months=MONTHS, seed=seed, volume=VOLUME, growth="chance")
        data, _ = market(settings)
        rows += [{"exchanged": by, **brief(seed, draw, how(data, draw))} for draw in range(EXCHANGES)]
        file.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
        page = HERE / "README.md"
        put = rf"\g<1>{told(rows)}\n\g<2>"
        page.write_text(NULLS.sub(put, page.read_text(encoding="utf-8")), encoding="utf-8")


def exchanged_by_kind(data: Dataset, seed: int) -> Dataset:
    """Outcomes exchanged within cutoff and kind, as the base rate knows kinds: signals then tell nothing more."""
    draw, left = np.random.default_rng(seed), data.left.copy()
    term, due = (list(data.signals.columns).index(name) for name in (TERM_SIGNAL, DUE_SIGNAL))
    parted = ((term, TERM_EDGES), (due, tuple(float(HORIZON + days) for days in DUE)))
    kind = pd.DataFrame({"cutoff": data.keys["cutoff"], "segment": data.segments})
    kind["place"] = kind_classes(data.signals.to_numpy(dtype=float), parted)
    for places in kind.groupby(list(kind.columns)).indices.values():
        left[places] = draw.permutation(left[places])
    return Dataset(keys=data.keys, signals=data.signals, left=left)


def brief(seed: int, draw: int, data: Dataset) -> dict[str, object]:
    """What was chosen of a null book, and whether it passed."""
    settings = TrainSettings(target=EXPANSION, models=models_of(EXPANSION, HORIZON))
    selection = train(data, columns(CATALOGUE), settings=settings).selection
    print(seed, draw, selection.verdict, file=sys.stderr, flush=True)
    return {
        "market": seed,
        "draw": draw,
        "bought": float(data.weights @ data.left),
        "model": selection.chosen.name,
        "proven": selection.usable and selection.proven,
        "shown": selection.usable and selection.beyond_chance,
        "alone": selection.usable and selection.gain > ONE_TEST * selection.gain_error,
        "gain": selection.gain,
        "gain_error": selection.gain_error,
    }


def told(rows: list[dict]) -> str:
    """The figures of the null books as Markdown."""
    frame = pd.DataFrame(rows)
    lines = [
        f"Books of {frame['bought'].mean():.0f} purchases on average; 95 % intervals.",
        "",
        "| exchanged among | rule | passed | interval |",
        "|---|---|---|---|",
    ]
    for by, part in frame.groupby("exchanged"):
        for name, rule in RULES.items():
            passed = int(part[name].sum())
            low, high = binomtest(passed, len(part)).proportion_ci(method="exact")
            share = f"{passed} of {len(part)} ({passed / len(part):.0%})"
            lines.append(f"| {AMONG[str(by)]} | {rule} | {share} | {low:.0%} to {high:.0%} |")
    return "\n".join(lines)


def exchanged(data: Dataset, seed: int) -> Dataset:
    """Outcomes exchanged among accounts of the same cutoff and kind of term that are equally far from its end."""
    draw, left = np.random.default_rng(seed), data.left.copy()
    kind = pd.DataFrame(
        {
            "cutoff": data.keys["cutoff"],
            "monthly": data.signals["term_days"] < LEAD[1],
            "due": data.signals["days_to_renewal"] // 15,
        }
    )
    for places in kind.groupby(list(kind.columns)).indices.values():
        left[places] = draw.permutation(left[places])
    return Dataset(keys=data.keys, signals=data.signals, left=left)


def measure(name: str, data: Dataset, wants: pd.DataFrame) -> dict[str, object]:
    """What is learnt, and how near it comes to the truth among yearly terms that are due."""
    settings = TrainSettings(target=EXPANSION, models=models_of(EXPANSION, HORIZON))
    trained = train(data, columns(CATALOGUE), settings=settings, progress=lambda line: print(line, file=sys.stderr))
    metrics = {key: metric.value for key, metric in trained.metrics.items()}
    print(name, trained.verdict, file=sys.stderr)
    return {
        "set": name,
        "model": trained.selection.chosen.name,
        "usable": trained.selection.usable,
        "beyond_chance": trained.selection.beyond_chance,
        "gain": trained.selection.gain,
        "gain_error": trained.selection.gain_error,
        **{key: metrics[key] for key in ("auc", "brier", "ece")},
        **(due(trained, wants) if name.startswith("planted") else {}),
    }


def due(trained: Trained, wants: pd.DataFrame) -> dict[str, float]:
    """Among yearly terms due within the horizon: AUC of what was said and of the truth, and the chances on average."""
    tested = trained.tested
    told = tested.keys[["account_id", "cutoff"]].assign(said=trained.tested_risk, bought=tested.left)
    met = told.merge(wants, on="account_id").query("starts_on <= cutoff < ends_on")
    met = met[(met["ends_on"] - met["starts_on"]).dt.days > LEAD[1]]
    met = met[(met["ends_on"] - met["cutoff"]).dt.days.between(*LEAD)]
    since, ends, cutoff = (
        ((met[name] - pd.Timestamp("2020-01-01")).dt.total_seconds() / 86_400).to_numpy()
        for name in ("since", "ends_on", "cutoff")
    )
    truth, bought, even = chance_to_buy(since, ends, cutoff), met["bought"].to_numpy(dtype=float), np.ones(len(met))
    said = met["said"].to_numpy(dtype=float)
    return {
        "due": len(met),
        "auc_said": alone(said, bought, even),
        "auc_truth": alone(truth, bought, even),
        "mean_said": float(said.mean()),
        "mean_truth": float(truth.mean()),
        "mean_bought": float(bought.mean()),
    }


def shown(rows: list[dict]) -> str:
    """The figures as Markdown."""
    lines = [
        "| market | model | gain in log loss | temperature shown | AUC | Brier | ECE | due: AUC said, of the truth "
        "| due: said, true, bought |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        near = f"**{row['auc_said']:.3f}**, {row['auc_truth']:.3f}" if "auc_said" in row else "–"
        means = f"{row['mean_said']:.3f}, {row['mean_truth']:.3f}, {row['mean_bought']:.3f}" if "due" in row else "–"
        lines.append(
            f"| {row['set']} | {row['model']} | {row['gain']:+.4f} ± {row['gain_error']:.4f} "
            f"| {'yes' if row['usable'] and row['beyond_chance'] else '**no usable signal**'} "
            f"| {row['auc']:.3f} | {row['brier']:.4f} | {row['ece']:.3f} | {near} | {means} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
