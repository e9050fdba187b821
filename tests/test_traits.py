"""Traits: a data scientist's own columns are signals like any other, from the table to the sentence."""

import random
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from features import table, traits
from features.engines.duckdb import DuckEngine
from features.errors import SettingsError
from features.facts import Facts
from features.intake import take_in
from features.signal import Signal, columns
from features.signals import CATALOGUE
from features.snapshots import Inactivity
from features.sources.files import Files
from features.traits import Trait
from serving.cli import app
from tests.pasts import COLUMNS, Past
from training.dataset import Dataset
from training.explain import sentence
from training.models import MODELS
from training.score import Scorer
from training.train import TrainSettings, train

CUTOFF = date(2026, 5, 4)
MODE = Inactivity(active_days=60, horizon_days=30)


def taken(folder: Path, rows: pd.DataFrame, accounts: int) -> Facts:
    """The facts of some active accounts and their traits."""
    at = pd.Timestamp(CUTOFF) - pd.Timedelta(hours=5)
    events = [{"account_id": f"a{n}", "occurred_at": at, "event": "edit"} for n in range(accounts)]
    pd.DataFrame(events).to_parquet(folder / "events.parquet")
    rows.to_parquet(folder / "traits.parquet")
    return take_in(Files(folder=folder), DuckEngine(threads=1), None, now=CUTOFF + timedelta(days=400))


def own(facts: Facts, signals: tuple[Signal, ...], cutoff: date = CUTOFF) -> pd.DataFrame:
    """The traits of the book at a cutoff, by account."""
    now, _ = table.book(facts, MODE, cutoff=cutoff, catalogue=(*CATALOGUE[:1], *signals))
    names = [column.name for column in columns(signals)]
    return now.signals[names].set_index(now.keys["account_id"])


def told(account: str, age: int, **values: object) -> dict[str, object]:
    """A row of traits, known so many days before the cutoff."""
    return {"account_id": account, "known_at": pd.Timestamp(CUTOFF) - pd.Timedelta(days=age), **values}


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10**6))
def test_each_trait_is_the_last_value_known(tmp_path_factory, seed):
    """A number, a flag and a category, by a plain look through the rows; what is known later changes nothing."""
    draw = random.Random(seed)
    rows = pd.DataFrame(
        [
            told(f"a{draw.randrange(12)}", draw.randrange(-20, 40))
            | {"1st score": draw.choice([None, 1.5, -2.0, 7.0]), "vip?": draw.choice([None, True, False])}
            | {"tier": draw.choice([None, "gold", "silver", "A+", "a"])}
            for _ in range(60)
        ]
    ).drop_duplicates(["account_id", "known_at"])
    facts = taken(tmp_path_factory.mktemp("data"), rows, 12)
    found = (
        Trait(column="1st score"),
        Trait(column="vip?", form="flag"),
        *(Trait(column="tier", form="level", level=level) for level in ("gold", "A+", "a")),
    )
    signals = traits.signals(found)
    computed = own(facts, signals)
    before = rows[rows["known_at"] < pd.Timestamp(CUTOFF)].sort_values("known_at")
    for signal, trait in zip(signals, found, strict=True):
        last = before.dropna(subset=[trait.column]).groupby("account_id")[trait.column].last().reindex(computed.index)
        wanted = last.map({trait.level: 1.0}).fillna(0).where(last.notna()) if trait.level else last
        assert np.array_equal(computed[signal.name], wanted.astype(float), equal_nan=True), signal.name
    early = taken(tmp_path_factory.mktemp("data"), before, 12)
    assert own(early, signals).equals(computed)


def test_names_and_sentences_of_any_columns():
    """Whatever a column or a level is called: a name for SQL, no two alike, and a sentence."""
    found = traits.signals(
        [
            Trait(column="Credit Score"),
            Trait(column="credit_score"),
            Trait(column="客户"),
            Trait(column="vip", form="flag"),
            *(Trait(column="{tier}", form="level", level=level) for level in ("A+", "a+", "")),
        ]
    )
    assert [signal.name for signal in found] == [
        "trait_credit_score",
        "trait_credit_score_2",
        "trait_u5ba2_u6237",
        "trait_vip",
        "trait_u7b_tier_u7d_is_a_u2b",
        "trait_u7b_tier_u7d_is_a_u2b_2",
        "trait_u7b_tier_u7d_is_empty",
    ]
    score, _, _, vip, tier, *_ = columns(found)
    assert sentence(score, 7.0, 6.0) == "Credit Score is 7, 6 four weeks earlier"
    assert sentence(score, 7.0, None) == "Credit Score is 7"
    assert sentence(vip, 1.0, None) == "With vip"
    assert sentence(tier, 0.0, 1.0) == "{tier} is not A+"


@pytest.fixture(scope="module")
def facts(tmp_path_factory) -> Facts:
    """Thirty accounts: the tier turns from silver to gold for some, and bronze is known late."""
    rows = [told(f"a{n}", 30, tier="silver" if n < 20 else "gold", nps=float(n), owner=f"o{n}") for n in range(30)]
    rows += [told(f"a{n}", 10, tier="gold") for n in range(6)]
    rows += [told(f"a{n}", -10, tier="bronze", late=1.0) for n in range(30)]
    return taken(tmp_path_factory.mktemp("data"), pd.DataFrame(rows), 30)


def test_levels_are_those_known_then(facts):
    """The levels that five accounts or more were at, the most frequent first; nothing known later shows."""
    found = traits.find(facts, until=CUTOFF, more=("nps",))
    assert [(trait.column, trait.form, trait.level) for trait in found] == [
        ("nps", "number", ""),
        ("tier", "level", "gold"),
        ("tier", "level", "silver"),
    ]
    assert found[0].healthier == "more"
    earlier = traits.find(facts, until=CUTOFF - timedelta(days=20))
    assert [trait.level for trait in earlier] == ["", "silver", "gold"]
    assert not traits.find(facts, until=CUTOFF - timedelta(days=30))
    assert {"late", "bronze"} <= {trait.level or trait.column for trait in traits.find(facts, until=date(2027, 1, 1))}


@pytest.mark.parametrize(
    ("more", "less", "message"),
    [
        (("mood",), (), "traits.more: there is no trait mood; there are late, nps, owner, tier"),
        ((), ("tier",), "traits.less: tier is a category; only of a number can less be healthier"),
        (("nps",), ("nps",), "traits.less: nps is among traits.more too"),
    ],
)
def test_a_direction_needs_a_number(facts, more, less, message):
    """What a setting names must be there, be a number, and go one way."""
    with pytest.raises(SettingsError, match=message):
        traits.find(facts, until=CUTOFF, more=more, less=less)


def test_a_model_carries_its_traits(facts, tmp_path):
    """A model written and read again brings the signals of its traits, and says so where the data lack them."""
    signals = traits.signals(traits.find(facts, until=CUTOFF))
    past = Past(accounts=60, terms=3).make()
    draw = np.random.default_rng(1)
    given = past.signals.assign(**{signal.name: draw.normal(size=len(past)) for signal in signals})
    data = Dataset(keys=past.keys, signals=given, left=past.left)
    trained = train(data, (*COLUMNS, *columns(signals)), settings=TrainSettings(models=MODELS[:2]))
    trained.scorer.save(tmp_path)
    assert traits.read(Scorer.load(tmp_path).about["traits"]) == signals
    lacking = taken(tmp_path, pd.DataFrame([told("a1", 3, other=1.0)]), 3)
    assert own(lacking, signals).isna().all().all()


def test_build_and_signals_show_them(facts, tmp_path):
    """The file for a notebook has a column for each, and the list of signals a row."""
    for name in ("events", "traits"):
        facts.engine.frame(f"FROM {name}").to_parquet(tmp_path / f"{name}.parquet")
    line = ["build", "--data", tmp_path, "--home", tmp_path / "home", "--out", tmp_path / "out.parquet"]
    span = ["--from", CUTOFF, "--to", CUTOFF, "--outcome", "inactivity"]
    ran = CliRunner().invoke(app, [str(word) for word in (*line, *span)])
    assert ran.exit_code == 0, ran.output
    built = pd.read_parquet(tmp_path / "out.parquet")
    assert built.set_index("account_id")["trait_nps"].to_dict() == {f"a{n}": float(n) for n in range(30)}
    ran = CliRunner().invoke(app, ["signals", "--family", "traits", "--format", "csv", "--data", str(tmp_path)])
    assert ran.exit_code == 0, ran.output
    assert "trait_nps" in ran.stdout
    ran = CliRunner().invoke(app, ["signals", "--family", "traits", "--format", "csv", "--data", str(tmp_path / "no")])
    assert ran.exit_code == 0, ran.output
    assert "trait_nps" not in ran.stdout
