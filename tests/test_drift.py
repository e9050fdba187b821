"""Drift is said where a signal moved farther than the year it is compared with explains, and not by chance or trend."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import wasserstein_distance

from training.drift import LARGE_PSI, drifts, psi

MONTHS = pd.date_range("2024-01-01", periods=12, freq="MS")
TODAY = pd.Timestamp("2025-01-20")


def year(
    *, accounts: int = 150, columns: int = 60, slope: float = 0.0, seed: int = 1
) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    """Twelve books and today's of accounts that differ for good, a little from month to month, with a common trend."""
    draw = np.random.default_rng(seed)
    own = draw.normal(size=(accounts, columns))
    books = [own + 0.3 * draw.normal(size=own.shape) + slope * month for month in range(13)]
    frames = [pd.DataFrame(book, columns=[f"s{n}" for n in range(columns)]) for book in books]
    return pd.concat(frames[:12], ignore_index=True), pd.Series(np.repeat(MONTHS, accounts)), frames[12]


def drifted(reference: pd.DataFrame, cutoffs: pd.Series, now: pd.DataFrame) -> set[str]:
    return {one.name for one in drifts(reference, cutoffs, now, TODAY) if one.drifted}


def test_psi_is_the_symmetric_divergence_of_shares() -> None:
    """Counted one by one: sum of (q - p) log(q / p) over bins with half a count more each; none where nothing moved."""
    then, now = np.array([10.0, 30.0, 60.0]), np.array([30.0, 30.0, 40.0])
    p, q = (then + 0.5) / 101.5, (now + 0.5) / 101.5
    assert psi(then, now) == pytest.approx(sum((q[n] - p[n]) * np.log(q[n] / p[n]) for n in range(3)))
    assert psi(then, then) == 0
    assert psi(np.stack([then, now]), now).tolist() == pytest.approx([float(psi(then, now)), 0])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("accounts", [25, 150])
def test_nothing_drifts_where_nothing_moves(seed: int, accounts: int) -> None:
    """Of sixty signals none drifts by chance, in small books as in larger ones."""
    assert drifted(*year(seed=seed, accounts=accounts)) == set()


def test_a_steady_trend_is_no_drift_although_its_index_is_large() -> None:
    """All signals grow by a tenth of a standard deviation a month: PSI cries, the trend explains it."""
    reference, cutoffs, now = year(slope=0.12)
    found = drifts(reference, cutoffs, now, TODAY)
    assert sum(one.psi >= LARGE_PSI for one in found) > 50
    assert not any(one.drifted for one in found)


def test_a_shift_and_a_loss_are_named_and_nothing_else() -> None:
    """One signal moves by a standard deviation, one is not known any more, one is the same for all."""
    reference, cutoffs, now = year()
    now = now.assign(s3=now["s3"] + 1.0, s7=np.nan, s9=0.0)
    found = {one.name: one for one in drifts(reference, cutoffs, now, TODAY)}
    assert {name for name, one in found.items() if one.drifted} == {"s3", "s7", "s9"}
    assert {name for name, one in found.items() if one.dead} == {"s7", "s9"}
    assert (found["s7"].known_then, found["s7"].known_now) == (1, 0)
    away = wasserstein_distance(reference["s3"], now["s3"]) / reference["s3"].to_numpy().std()
    assert found["s3"].distance == pytest.approx(away)


def test_what_piles_up_may_wobble() -> None:
    """Half of all values lie a hair beside a bin's edge: PSI jumps, no value moved to speak of."""
    reference, cutoffs, now = year(columns=2)
    reference["s0"] = np.where(reference["s0"] > 0, 1.0, reference["s0"])
    now["s0"] = np.where(now["s0"] > 0, 1.0 - 1e-3, now["s0"])
    (found, _) = drifts(reference, cutoffs, now, TODAY)
    assert found.psi > LARGE_PSI
    assert not found.drifted


def test_too_short_a_past_says_nothing() -> None:
    """Three months, or a dozen accounts, tell nothing of what is usual."""
    reference, cutoffs, now = year()
    few = (cutoffs <= MONTHS[2]).to_numpy()
    assert drifts(reference[few], cutoffs[few], now, TODAY) == ()
    assert drifts(reference, cutoffs, now.head(12), TODAY) == ()
