"""The rivals, run by an interpreter of their own: `others.py FOLDER SECONDS` reads what is to be learnt, writes risks.

The folder holds `learn.parquet` and `test.parquet`: columns `left`, `account_id`, and one for each signal. With
purchases, `seen.parquet` (bg.purchases, bg.recency, bg.age at the split) and the same columns in `test.parquet`.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

KEYS = ("left", "account_id", "bg.purchases", "bg.recency", "bg.age")
HORIZON = 90.0
"""Days within which an account that does not buy counts as silent."""


def main() -> None:
    """Fit every rival, write `risks.parquet`, and print the seconds each took."""
    folder, budget = Path(sys.argv[1]), float(sys.argv[2])
    learn, test = (pd.read_parquet(folder / f"{name}.parquet") for name in ("learn", "test"))
    signals = [name for name in learn if name not in KEYS]
    x, y, asked = learn[signals].to_numpy(float), learn["left"].to_numpy(int), test[signals].to_numpy(float)
    groups = pd.factorize(learn["account_id"])[0]
    risks, seconds = {}, {}
    for name, rival in {"LightGBM": lightgbm, "HistGradientBoosting": boosting, "FLAML": flaml}.items():
        started = time.monotonic()
        risks[name] = rival(x, y, asked, groups, budget)
        seconds[name] = round(time.monotonic() - started, 1)
    if "bg.purchases" in test:
        risks["BG/NBD"] = bgnbd(pd.read_parquet(folder / "seen.parquet"), test)
    pd.DataFrame(risks).to_parquet(folder / "risks.parquet", index=False)
    print(json.dumps(seconds))


def lightgbm(x: np.ndarray, y: np.ndarray, asked: np.ndarray, *_: object) -> np.ndarray:
    """LightGBM as it comes."""
    from lightgbm import LGBMClassifier

    return LGBMClassifier(random_state=7, n_jobs=1, verbose=-1).fit(x, y).predict_proba(asked)[:, 1]


def boosting(x: np.ndarray, y: np.ndarray, asked: np.ndarray, *_: object) -> np.ndarray:
    """scikit-learn's histogram gradient boosting as it comes."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    varying = np.array([np.unique(column[~np.isnan(column)]).size > 1 for column in x.T])
    model = HistGradientBoostingClassifier(random_state=7).fit(x[:, varying], y)
    return model.predict_proba(asked[:, varying])[:, 1]


def flaml(x: np.ndarray, y: np.ndarray, asked: np.ndarray, groups: np.ndarray, budget: float) -> np.ndarray:
    """FLAML's search for the least log loss within the budget; accounts stand on one side of its splits only.

    Not all of the models it tries take gaps, so these are filled with medians.
    """
    from flaml import AutoML

    middle = np.nan_to_num(pd.DataFrame(x).median().to_numpy())
    x, asked = (np.where(np.isnan(values), middle, values) for values in (x, asked))
    search = AutoML()
    search.fit(
        X_train=x, y_train=y, task="classification", metric="log_loss", time_budget=budget, seed=7, n_jobs=1,
        split_type="group", groups=groups, eval_method="cv", verbose=0,
    )  # fmt: skip
    return search.predict_proba(asked)[:, 1]


def bgnbd(seen: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """The probability of no purchase within the horizon, under the BG/NBD model fitted on what was seen at the split.

    Alive, an account's rate of purchases is Gamma(r + x, alpha + T) (Fader, Hardie & Lee 2005), so that it stays
    silent for h days with probability ((alpha + T) / (alpha + T + h))^(r + x); gone, it stays silent.
    """
    from lifetimes import BetaGeoFitter

    model = BetaGeoFitter(penalizer_coef=0.001).fit(*(seen[name] for name in KEYS[2:]))
    alive = np.asarray(model.conditional_probability_alive(*(test[name] for name in KEYS[2:])))
    reach = model.params_["alpha"] + test["bg.age"].to_numpy()
    silent = (reach / (reach + HORIZON)) ** (model.params_["r"] + test["bg.purchases"].to_numpy())
    return 1 - alive * (1 - silent)


if __name__ == "__main__":
    main()
