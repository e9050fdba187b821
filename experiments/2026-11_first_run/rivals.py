"""What an afternoon's work gets: windowed counts, and three plain models on them, for the same snapshots as Ebb's.

Counts over 7/30/90/180/365 days of events, active days, users and distinct events, plus recency and tenure; trained on
what was decided before the split. Recency alone, logistic regression (C=0.05), LightGBM (200 trees, 15 leaves).
"""

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from features.facts import Facts
from features.table import SignalTable

WINDOWS = (7, 30, 90, 180, 365)


def windowed_counts(facts: Facts, keys: pd.DataFrame) -> pd.DataFrame:
    """The afternoon's features of each snapshot, in the order of ``keys``."""
    facts.engine.register("looks", keys[["account_id", "cutoff", "lead_days"]].reset_index(names="place"))
    counts = ", ".join(
        f"""count(*) FILTER (WHERE age <= {days}) AS events_{days},
            count(DISTINCT age) FILTER (WHERE age <= {days}) AS days_{days},
            count(DISTINCT user_id) FILTER (WHERE age <= {days}) AS users_{days},
            count(DISTINCT event) FILTER (WHERE age <= {days}) AS kinds_{days}"""
        for days in WINDOWS
    )
    return facts.engine.frame(
        f"""
        SELECT place, lead_days, {counts}, coalesce(min(age), 3650) AS recency, coalesce(max(age), 0) AS tenure
        FROM (SELECT l.*, e.user_id, e.event,
                     date_diff('day', CAST(e.occurred_at AS DATE), CAST(l.cutoff AS DATE)) AS age
              FROM looks l LEFT JOIN events e ON e.account_id = l.account_id AND e.known_at < l.cutoff)
        GROUP BY place, lead_days ORDER BY place"""
    ).drop(columns="place")


def rival_risks(facts: Facts, table: SignalTable, learn: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
    """Each rival's risk for the tested snapshots; recency's is a rank, not a probability."""
    features = windowed_counts(facts, table.keys).to_numpy(dtype=float)
    known, asked, left = np.log1p(features[learn]), np.log1p(features[test]), table.left[learn].astype(int)
    line = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=1000)).fit(known, left)
    trees = LGBMClassifier(n_estimators=200, num_leaves=15, random_state=7, n_jobs=2, verbose=-1, deterministic=True)
    trees.fit(known, left)
    return {
        "recency": asked[:, -2],
        "logistic": line.predict_proba(asked)[:, 1],
        "lightgbm": trees.predict_proba(asked)[:, 1],
    }
