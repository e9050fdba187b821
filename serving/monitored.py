"""What one look at a champion in use leaves: rows for people and programs, a report, and a run in MLflow."""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from features.errors import StoreError
from features.facts import Facts
from serving.config import Settings
from serving.monitor_page import page
from serving.monitoring import Monitored
from serving.on_record import artifacts
from serving.progress import Progress
from training.drift import SignalDrift
from training.journal import MONITOR, Entry, enter
from training.monitor import RISK
from training.monitor_charts import nearest
from training.promise import Comparison

FOLDER: Final = "monitor"
"""Where under home the reports are, one folder a day looked from."""

KEYS: Final = (
    *("about", "name", "then", "now", "psi", "usual", "distance", "weight"),
    *("known_then", "known_now", "effect", "alarm", "sentence"),
)


def rows(found: Monitored) -> list[dict[str, object]]:
    """The verdict, what broke off, what came of what was said, the scores, and each signal, those that moved first.

    ``then`` and ``now`` are medians of a signal, and what was promised and what is so of a figure.
    """
    verdict, weight, effects = found.judgement, found.weights, found.books.effects
    told = [_row("verdict", verdict.verdict, verdict.exit_code > 0, verdict.reason)]
    told += [_row("recording", "broke off", True, sentence) for sentence in found.seen.broken]
    told += [_compared(one) for one in found.seen.kept]
    jumps = {one.name: one for one in found.seen.jumps}
    moved: list[tuple[tuple[bool, bool, float], dict[str, object]]] = []
    for one in nearest(found.seen.drifts):
        of = weight.get(one.name, 0.0)
        effect = None if one.name == RISK else float(effects[one.name])
        row = _drifted(one, jumps.get(one.name), of, effect)
        # The scores, then what moved, the weightiest first, then what came nearest to it.
        moved.append(((one.name != RISK, not row["alarm"], -of if row["alarm"] else 0.0), row))
    return told + [row for _, row in sorted(moved, key=lambda each: each[0])]


def _compared(one: Comparison) -> dict[str, object]:
    row = _row("said", one.name, bool(one.broken), one.sentence)
    return {**row, "then": one.promised.value, "now": one.live.value}


def _drifted(one: SignalDrift, jump: SignalDrift | None, weight: float, effect: float | None) -> dict[str, object]:
    jumped = jump is not None and jump.drifted
    dead = one.dead or (jump is not None and jump.dead)
    words = ["drifted"] * one.drifted + ["moved at once"] * jumped + ["not filled as before"] * dead
    row = _row("scores" if one.name == RISK else "signal", one.name, bool(words), ", ".join(words))
    plain = {name: _known(getattr(one, name)) for name in ("then", "now", "psi", "usual", "distance")}
    return {
        **row,
        **plain,
        "known_then": one.known_then,
        "known_now": one.known_now,
        "weight": None if effect is None else weight,
        "effect": effect,
    }


def _row(about: str, name: str, alarm: bool, sentence: str) -> dict[str, object]:
    return {**dict.fromkeys(KEYS), "about": about, "name": name, "alarm": alarm, "sentence": sentence}


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def keep(found: Monitored, facts: Facts, settings: Settings, progress: Progress) -> Path:
    """Write the report and the table of drifts under home, and put both on record; their folder."""
    folder = settings.home / FOLDER / f"{found.cutoff}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.html").write_text(page(found, facts.fingerprint), encoding="utf-8")
        pd.DataFrame(rows(found), columns=list(KEYS)).to_csv(folder / "drift.csv", index=False)
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror or error}") from error
    with progress.step("put it on record"):
        enter(_entry(found, facts, folder), uri=settings.tracking_uri, artifacts=artifacts(settings), into=MONITOR)
    return folder


def _entry(found: Monitored, facts: Facts, folder: Path) -> Entry:
    seen, judgement, risks = found.seen, found.judgement, found.books.scored.risk[found.books.of([found.books.today])]
    risk = next((one for one in seen.drifts if one.name == RISK), None)
    figures = {
        f"{where}_{one.name}": metric.value
        for one in seen.kept
        for where, metric in (("live", one.live), ("promised", one.promised))
    }
    return Entry(
        name=f"version {found.champion.version} on {found.cutoff}",
        params={
            "model_name": found.champion.name,
            "model_version": found.champion.version,
            "cutoff": found.cutoff,
            "learnt_in_from": f"{found.books.learnt_in[0]:%Y-%m-%d}",
            "accounts": found.accounts,
            "data_fingerprint": facts.fingerprint,
        },
        metrics={
            **figures,
            "exit_code": judgement.exit_code,
            "signals_drifted": len(seen.drifted),
            "signals_dead": len(seen.dead),
            "weight_drifted": seen.share(seen.drifted),
            "signals_jumped": len(seen.jumped),
            "weight_jumped": seen.share(seen.jumped),
            "breaks": len(seen.broken),
            "psi_risk": None if risk is None else risk.psi,
            "mean_risk": float(risks.mean()) if len(risks) else None,
            "outcomes_since": sum(seen.fresh),
            "losses_since": seen.fresh[0],
        },
        files=(folder / "report.html", folder / "drift.csv"),
        tags={"verdict": judgement.verdict, "reason": judgement.reason},
    )
