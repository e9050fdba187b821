"""Pasts to learn from whose truth is known: snapshots whose outcome is drawn from a given dependence on few signals."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.signal import Family, Healthier, Measure, Signal, SignalColumn
from training.dataset import Dataset

START = pd.Timestamp("2020-01-01")


def column(
    name: str, healthier: Healthier = "neither", family: Family = "frequency", window: int | None = 28
) -> SignalColumn:
    """A signal column for tests."""
    signal = Signal(
        name=name,
        family=family,
        measure=Measure(grain="snapshot", sql="0"),
        meaning=f"the {name}",
        unit="things",
        healthier=healthier,
        reading="{now} things in the last {window} days, {before} before",
        windows=() if window is None else (window,),
    )
    return SignalColumn(signal=signal, window=window)


COLUMNS = (
    column("used", "more"),
    column("waited", "less", "support"),
    column("noise", "neither", "seats"),
    column("gaps", "neither", "adoption"),
)


@dataclass(frozen=True, kw_only=True)
class Past:
    """What to make: accounts with yearly terms, looked at several times, decided late when they leave."""

    accounts: int = 150
    terms: int = 4
    leads: tuple[int, ...] = (30, 90)
    strength: float = 2.0
    lag_days: int = 60
    seed: int = 1

    def make(self) -> Dataset:
        """Log-odds of leaving: -1 - strength x used + strength / 2 x waited, each standard normal."""
        draw = np.random.default_rng(self.seed)
        rows = []
        for account in range(self.accounts):
            start = START + pd.Timedelta(days=int(draw.integers(0, 365)))
            for term in range(self.terms):
                used, waited = draw.normal(size=2)
                chance = 1 / (1 + np.exp(1 + self.strength * used - self.strength / 2 * waited))
                left = bool(draw.random() < chance)
                rows += self._looks(draw, f"a{account}", term, start, (used, waited, left))
        frame = pd.DataFrame(rows)
        signals = frame[[c.name for c in COLUMNS]]
        keys = frame.drop(columns=[*signals.columns, "left"])
        return Dataset(keys=keys, signals=signals.astype(float), left=frame["left"].to_numpy(dtype=float))

    def _looks(self, draw: np.random.Generator, account: str, term: int, start: pd.Timestamp, truth: tuple) -> list:
        used, waited, left = truth
        ends = start + pd.Timedelta(days=365 * (term + 1))
        decided = ends + pd.Timedelta(days=self.lag_days if left else int(draw.integers(0, 10)))
        return [
            {
                "account_id": account,
                "contract_id": f"{account}-{term}",
                "cutoff": ends - pd.Timedelta(days=lead),
                "lead_days": lead,
                "ends_on": ends,
                "decided_on": decided,
                "arr": float(draw.integers(1, 50) * 1000),
                "segment": "small" if int(account[1:]) % 2 else "large",
                "left": left,
                "used_28d": np.expm1(used + 3),
                "waited_28d": np.expm1(waited + 3),
                "noise_28d": draw.normal(),
                "gaps_28d": np.nan if draw.random() < 0.3 else draw.normal(),
            }
            for lead in self.leads
        ]


def silences(accounts: int = 60, seed: int = 1) -> Dataset:
    """Accounts that may fall silent, looked at every 30 days with a horizon of 90; no contracts."""
    draw = np.random.default_rng(seed)
    looks = [(f"a{account}", step) for account in range(accounts) for step in range(12)]
    cutoffs = [START + pd.Timedelta(days=30 * step) for _, step in looks]
    used = draw.normal(size=len(looks))
    keys = pd.DataFrame(
        {
            "account_id": [account for account, _ in looks],
            "contract_id": None,
            "cutoff": cutoffs,
            "lead_days": 90,
            "ends_on": pd.NaT,
            "decided_on": [cutoff + pd.Timedelta(days=90) for cutoff in cutoffs],
            "arr": np.nan,
            "segment": "",
        }
    )
    left = (draw.random(len(looks)) < 1 / (1 + np.exp(2 * used))).astype(float)
    return Dataset(keys=keys, signals=pd.DataFrame({c.name: used for c in COLUMNS}), left=left)
