"""What is wrong beyond single rows is told, and clean data are left in peace."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features import quality
from features.checks.outcomes import too_few
from features.checks.silence import silences, usual_level
from features.engines.duckdb import DuckEngine
from features.facts import Facts, Finding
from features.intake import take_in
from features.sources import Files
from features.sources.simulated import MarketSettings, Simulated
from tests.folders import EVENTS, SHARED, kinds, taken, written

FOUND_AS = {
    "feature_stops": {"feature stopped"},
    "gap": {"gap"},
    "duplicates": {"duplicate row", "repeated events"},
    "late": {"late events"},
    "unknown_accounts": {"unknown account"},
    "mixed_zones": {"mixed time zones"},
    "overlapping_contracts": {"overlapping contracts"},
    "ends_before_starts": {"ends before it starts"},
    "future_events": {"in the future"},
    "contradicting_outcomes": {"outcome against next contract"},
}


def market(*faults: str, seed: int = 7) -> tuple[Finding, ...]:
    """What is found in a simulated market with these faults; it is too small to have enough outcomes."""
    settings = MarketSettings(accounts=60, months=14, seed=seed, volume=0.3, faults=faults)
    with DuckEngine(threads=2) as engine:
        return quality.report(take_in(Simulated(settings=settings), engine, None), mode="inactivity")


@pytest.mark.parametrize("fault", FOUND_AS)
def test_every_simulated_fault_is_found(fault: str) -> None:
    """Each fault of the instrumentation is found under its own name."""
    assert FOUND_AS[fault] <= set(kinds(market(fault)))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_clean_market_has_no_findings(seed: int) -> None:
    """Nothing is said where nothing is wrong."""
    assert market(seed=seed) == ()


@pytest.mark.skipif(not SHARED.exists(), reason="put the shared data sets in ../shared/data to run this")
@pytest.mark.parametrize(
    ("name", "mode", "expected"),
    [
        # 785 events belong to organisations that have no account; authors listed twice in one commit repeat in full.
        ("openstack", "renewal", ["unknown account", "repeated events"]),
        ("churnsim", "renewal", []),
        ("cdnow", "inactivity", []),
    ],
)
def test_real_data_give_true_findings_only(name: str, mode: str, expected: list[str]) -> None:
    """On known data the findings are those that are true."""
    with DuckEngine(threads=2) as engine:
        facts = take_in(Files(folder=SHARED / name), engine, None, now=date(2026, 11, 1))
        assert kinds(quality.report(facts, mode="inactivity" if mode == "inactivity" else "renewal")) == expected


def contracts(folder: Path, lines: Sequence[str]) -> Facts:
    """Facts with these contracts and a last event on 2026-01-06."""
    header = "contract_id,account_id,starts_on,ends_on,outcome,decided_on"
    return taken(written(folder, {"events.csv": EVENTS, "contracts.csv": "\n".join([header, *lines]) + "\n"}))


@pytest.mark.parametrize(
    ("kind", "lines", "row"),
    [
        ("overlapping contracts", ["1,a,2023-01-01,2024-01-01,,", "2,a,2023-12-01,2024-12-01,,"], 2),
        (
            "overlapping contracts",
            ["1,a,2023-01-01,2026-01-01,,", "2,a,2023-02-01,2023-03-01,,", "3,a,2025-01-01,2026-01-01,,"],
            2,
        ),
        ("outcome against next contract", ["1,a,2023-01-01,2024-01-01,churned,", "2,a,2024-02-01,2025-01-01,,"], 1),
        ("renewed without next contract", ["1,b,2023-01-01,2024-01-01,,", "2,a,2023-01-01,2024-01-01,renewed,"], 2),
        ("decided before the start", ["1,a,2023-01-01,2024-01-01,churned,2022-12-31"], 1),
        ("decided long after the end", ["1,a,2023-01-01,2024-01-01,churned,2025-03-01"], 1),
        ("decided without outcome", ["1,a,2023-01-01,2024-01-01,,2024-01-01"], 1),
    ],
)
def test_contradicting_contracts_are_told(tmp_path: Path, kind: str, lines: list[str], row: int) -> None:
    """Each contradiction is one finding with the first file and row."""
    found = [finding for finding in quality.report(contracts(tmp_path, lines)) if finding.kind == kind]
    assert [(f.file, f.row) for f in found] == [("contracts.csv", row)]


def test_contracts_in_order_are_left_in_peace(tmp_path: Path) -> None:
    """Back-to-back terms, a late return after churn, and an open term contradict nothing."""
    lines = [
        "1,a,2022-01-01,2023-01-01,renewed,2022-12-01",
        "2,a,2023-01-01,2024-01-01,churned,2024-06-29",
        "3,a,2025-02-01,2026-02-01,,",
        "4,b,2025-01-05,2026-01-05,renewed,2025-12-05",
    ]
    assert kinds(quality.report(contracts(tmp_path, lines))) == ["too few outcomes"]


@pytest.mark.parametrize(
    ("left", "stayed", "said"),
    [
        (0, 0, "no outcome is decided yet; at least 10, of both kinds, are needed to learn from"),
        (0, 40, "all 40 decided outcomes stayed: nothing shows what leaving looks like"),
        (40, 0, "all 40 decided outcomes left: nothing shows what staying looks like"),
        (3, 6, "3 left and 6 stayed among 9 decided outcomes"),
    ],
)
def test_too_few_outcomes_are_fatal(left: int, stayed: int, said: str) -> None:
    """No outcome, one class only and too few are each one clear, fatal line; ten of each are enough."""
    [finding] = too_few(left=left, stayed=stayed, table="contracts")
    assert finding.fatal
    assert finding.sentence.startswith(said)
    assert too_few(left=10, stayed=10, table="contracts") == ()


def test_few_outcomes_are_a_note() -> None:
    """Ten outcomes of both kinds can be learnt from; that little can be proven with them is said."""
    [finding] = too_few(left=2, stayed=8, table="contracts")
    assert not finding.fatal
    assert finding.sentence.endswith("with fewer than 10 of either, signals can hardly be proven")


def test_twenty_accounts_give_one_line(tmp_path: Path) -> None:
    """A book of twenty accounts is said to be small, and nothing else."""
    lines = [f"{n},a{n},2024-01-01,2025-01-01,churned,2025-01-01" for n in range(6)]
    lines += [f"{n},a{n},2024-01-01,2025-01-01,renewed,2025-01-01" for n in range(6, 20)]
    lines += [f"{n}b,a{n},2025-01-01,2026-01-01,," for n in range(6, 20)]
    [finding] = quality.report(contracts(tmp_path, lines))
    assert finding.sentence.startswith("6 left and 14 stayed among 20 decided outcomes; with fewer than 10")


def test_outcomes_are_derived_for_the_count(tmp_path: Path) -> None:
    """Without written outcomes, a next contract within 31 days means stayed."""
    lines = [f"{n},a{n},2024-01-01,2025-01-01,," for n in range(30)]
    lines += [f"{n}b,a{n},2025-01-15,2026-01-15,," for n in range(12)]
    assert quality.report(contracts(tmp_path, lines)) == ()


def test_no_contracts(tmp_path: Path) -> None:
    """Without contracts, renewal has nothing to learn from and inactivity does not mind."""
    facts = taken(written(tmp_path, {"events.csv": EVENTS}))
    [finding] = quality.report(facts)
    assert finding.fatal
    assert "inactivity" in finding.sentence
    assert quality.report(facts, mode="inactivity") == ()


def test_repeated_events_by_chance_are_not_told(tmp_path: Path) -> None:
    """Equal events of whole days, or a few among many, are no fault."""
    days = pd.DataFrame({"account_id": "a", "occurred_at": pd.Timestamp("2026-01-05"), "event": ["edit"] * 500})
    seconds = pd.DataFrame(
        {"account_id": "a", "occurred_at": pd.date_range("2026-01-05", periods=2000, freq="s"), "event": "edit"}
    )
    for name, frame in (("days", days), ("few", pd.concat([seconds, seconds[:15]]))):
        (tmp_path / name).mkdir()
        frame.to_parquet(tmp_path / name / "events.parquet")
        assert quality.report(taken(tmp_path / name), mode="inactivity") == ()


def weekly(weeks: int, weekday: float, weekend: float, seed: int = 0) -> np.ndarray:
    """Daily counts of active accounts, Poisson around a working week."""
    return np.random.default_rng(seed).poisson(np.tile([weekday] * 5 + [weekend] * 2, weeks)).astype(float)


def test_silence_needs_to_be_improbable() -> None:
    """A quiet weekend or a rare feature is no silence; the same days of a busy one are."""
    for counts, length, found in (
        (weekly(30, 40, 0), 0, 0),
        (weekly(30, 20, 1), 1, 1),
        (weekly(30, 1.5, 0.2), 4, 0),
        (weekly(30, 3, 1), 14, 1),
    ):
        begin = 7 * 20
        counts[begin : begin + length] = 0
        assert len(silences(counts)) == found
    assert silences(np.zeros(0)) == ()


def test_false_alarms_are_rare() -> None:
    """In 200 years of features used by two to thirty accounts a day, no silence is claimed."""
    for seed, level in enumerate(np.linspace(2, 30, 100)):
        assert silences(weekly(104, float(level), float(level) / 10, seed)) == ()


def test_fading_is_not_stopping() -> None:
    """A feature that loses its users week by week did not stop on one day."""
    rate = np.concatenate([np.full(140, 8.0), 8 * np.exp(-np.arange(140) / 20), np.zeros(200)])
    assert silences(np.random.default_rng(3).poisson(rate).astype(float)) == ()


def test_a_holiday_of_everybody_is_not_a_features_silence() -> None:
    """A feature rests when everybody rests."""
    everybody, feature = weekly(30, 200, 20), weekly(30, 10, 1)
    everybody[140:147] = 0
    feature[140:147] = 0
    assert len(silences(everybody)) == 1
    assert silences(feature, usual_level(everybody)) == ()


def test_a_feature_that_stops_is_named_with_its_day(tmp_path: Path) -> None:
    """The sentence names the feature, the first silent day and what was usual; the tail of the data counts too."""
    days = [date(2025, 6, 2) + timedelta(days=day) for day in range(100)]
    rows = [(f"a{account}", day, event) for day in days for account in range(20) for event in ("edit", "export")]
    rows = [row for row in rows if row[2] == "edit" or row[1] < days[90]]
    frame = pd.DataFrame(rows, columns=["account_id", "occurred_at", "event"])
    frame.to_parquet(tmp_path / "events.parquet")
    [finding] = quality.report(taken(tmp_path), mode="inactivity")
    assert (finding.kind, finding.count) == ("feature stopped", 1)
    assert "export from 2025-08-31 to 2025-09-09 (about 20.0 accounts a day before)" in finding.sentence
