"""How often the effect of a play is told rightly: terms of the simulated market, played with a known effect.

python experiments/2026-11_plays/run.py     (about two minutes)
"""

import json
import sys
from pathlib import Path

import numpy as np

from features.sources.market import MarketSettings, simulate
from training.effect import LEAST, Effect, effect

HERE = Path(__file__).parent
SEEDS = (31, 32, 33)
LEAD_DAYS = (60,)
DRAWS = 400
LOOK_EVERY = 25
SHIFTS = {"saves many": -1.0, "saves some": -0.5, "does nothing": 0.0, "harms some": 0.5}
"""What the play adds to the log-odds of leaving of whoever it is given to."""
SIZES = (200, 500, 1000, 2000)
HOLDOUTS = (0.1, 0.2, 0.5)


def main() -> None:
    risks = np.concatenate([risks_of(seed) for seed in SEEDS])
    rng = np.random.default_rng(1)
    rows = [
        judged(rng, risks, many=many, holdout=holdout, name=name)
        for holdout in HOLDOUTS
        for many in SIZES
        for name in SHIFTS
    ]
    result = {"terms": int(risks.size), "mean_risk": float(risks.mean()), "draws": DRAWS, "rows": rows}
    (HERE / "result.json").write_text(json.dumps(result, indent=1) + "\n")
    print(f"{risks.size:,} terms, mean risk {risks.mean():.3f}, {DRAWS} draws each")
    print("holdout  decided  play          true    holds   of looks  said works  said harms")
    for row in rows:
        print(
            f"{row['holdout']:7.0%}  {row['decided']:7,}  {row['play']:12}  {row['true']:+.3f}  {row['held']:6.1%}  "
            f"{row['always_held']:7.1%}  {row['works']:10.1%}  {row['harms']:10.1%}"
        )


def risks_of(seed: int) -> np.ndarray:
    """The true risks, 60 days before the end, of the yearly terms of a market that are riskier than the mean."""
    print(f"simulating market {seed}", file=sys.stderr)
    found = simulate(MarketSettings(accounts=1500, months=36, seed=seed)).snapshots
    risk = found.loc[found["lead_days"].isin(LEAD_DAYS), "probability"].to_numpy(float)
    return risk[risk >= risk.mean()]


def judged(rng: np.random.Generator, risks: np.ndarray, *, many: int, holdout: float, name: str) -> dict[str, object]:
    """Many draws of one kind: how often intervals hold the truth, and what is said after looking again and again."""
    shift = SHIFTS[name]
    held = always = works = harms = judged_at_all = 0
    true = []
    for _ in range(DRAWS):
        risk = rng.choice(risks, many)
        played = shifted(risk, shift)
        given = rng.random(many) >= holdout
        left = rng.random(many) < np.where(given, played, risk)
        # What was said is not the truth: risks are told with an error of half a log-odd.
        said = shifted(risk, rng.normal(0, 0.5, many))
        truth = float((played - risk).mean())
        true.append(truth)
        looks = [effect(given[:n], left[:n], said[:n]) for n in range(LOOK_EVERY, many + 1, LOOK_EVERY)]
        last = looks[-1]
        if last is None:
            continue
        judged_at_all += 1
        held += last.low <= truth <= last.high
        always += all(one is None or one.always_low <= truth <= one.always_high for one in looks)
        works += any(proven(one, -1) for one in looks)
        harms += any(proven(one, 1) for one in looks)
    return {
        "holdout": holdout,
        "decided": many,
        "play": name,
        "true": float(np.mean(true)),
        "judged": judged_at_all / DRAWS,
        "held": held / max(1, judged_at_all),
        "always_held": always / max(1, judged_at_all),
        "works": works / DRAWS,
        "harms": harms / DRAWS,
        "least": LEAST,
    }


def proven(one: Effect | None, sign: int) -> bool:
    return one is not None and (one.always_high < 0 if sign < 0 else one.always_low > 0)


def shifted(risk: np.ndarray, by: float | np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(np.log(risk / (1 - risk)) + by)))


if __name__ == "__main__":
    main()
