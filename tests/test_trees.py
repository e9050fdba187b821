"""Contributions that are looked up are the Shapley values that LightGBM computes, and those of the definition."""

from itertools import combinations
from math import factorial

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.trees import Trees, tables, written_trees

PLAIN = {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5, "deterministic": True}


def grown(*, rows=600, columns=6, leaves=4, rounds=12, gaps=0.2, seed=1, **more) -> tuple[Trees, np.ndarray]:
    """Trees on a world with gaps, ties and several signals of use, and rows to ask them about."""
    random = np.random.default_rng(seed)
    values = np.round(random.normal(size=(rows, columns)) * 2, 1)
    values[random.random(values.shape) < gaps] = np.nan
    pull = np.nan_to_num(values[:, 0]) - np.nan_to_num(values[:, 1]) * np.nan_to_num(values[:, 2])
    left = random.random(rows) < 1 / (1 + np.exp(-pull))
    table = lightgbm.Dataset(values, left.astype(float), weight=random.random(rows), params={"verbosity": -1})
    booster = lightgbm.train({**PLAIN, "num_leaves": leaves, **more}, table, num_boost_round=rounds)
    asked = np.round(random.normal(size=(300, columns)) * 2, 1)
    asked[random.random(asked.shape) < 0.2] = np.nan
    asked[:5] = np.nan
    return Trees(booster.model_to_string()), asked


@pytest.mark.parametrize("leaves", [2, 3, 4, 8, 12])
@pytest.mark.parametrize("gaps", [0.0, 0.2])
def test_looked_up_they_are_what_lightgbm_computes(leaves, gaps):
    """Equal to 1e-9 for small and larger trees, with and without gaps in what was learnt from."""
    trees, asked = grown(leaves=leaves, gaps=gaps, max_depth=7)
    assert trees.tables is not None
    base, shares = trees.shares(asked, [])
    slow_base, slow_shares = trees.slowly(asked)
    assert np.abs(shares - slow_shares).max() < 1e-9
    assert np.abs(base - slow_base).max() < 1e-9


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), leaves=st.integers(2, 9), columns=st.integers(1, 8))
def test_they_add_up_in_any_world(seed, leaves, columns):
    """Base and contributions are the log-odds, whatever trees were grown."""
    trees, asked = grown(seed=seed, leaves=leaves, columns=max(columns, 3), rounds=5)
    base, shares = trees.shares(asked, [])
    assert np.abs(base + shares.sum(axis=1) - trees.log_odds(asked)).max() < 1e-9


def expected(tree, row, known, child=0):
    """What one tree is expected to say when only the features of ``known`` are known."""
    if child < 0:
        return tree.leaf_value[~child]
    feature, threshold, unknown_left = tree.split(child)
    left, right = int(tree.left[child]), int(tree.right[child])
    if feature in known:
        goes_left = unknown_left if np.isnan(row[feature]) else row[feature] <= threshold
        return expected(tree, row, known, left if goes_left else right)
    parts = [expected(tree, row, known, side) * tree.reached(side) for side in (left, right)]
    return sum(parts) / tree.reached(child)


def test_they_are_the_definition_of_shapley():
    """Brute force over all coalitions, from the trees alone, gives the same."""
    trees, asked = grown(rounds=3, columns=4, leaves=5)
    shares = trees.shares(asked[:8], [])[1]
    for row, found in zip(asked[:8], shares, strict=True):
        wanted = np.zeros(4)
        for tree in written_trees(trees.text):
            for feature in range(4):
                others = [other for other in range(4) if other != feature]
                for size in range(4):
                    weight = factorial(size) * factorial(3 - size) / factorial(4)
                    for known in combinations(others, size):
                        gain = expected(tree, row, {*known, feature}) - expected(tree, row, set(known))
                        wanted[feature] += weight * gain
        assert np.abs(found - wanted).max() < 1e-9


def test_what_does_not_fit_a_table_is_left_to_lightgbm():
    """Trees that count zero as missing, or that are too deep, get the same answer the slow way."""
    odd, asked = grown(zero_as_missing=True)
    deep, _ = grown(leaves=60, min_data_in_leaf=1, rows=2000, rounds=2)
    assert odd.tables is None
    assert deep.tables is None
    assert np.array_equal(odd.shares(asked, [])[1], odd.slowly(asked)[1])


def test_a_tree_without_a_split_contributes_nothing():
    """Nothing to learn gives a base and zeros; no rows give no rows."""
    trees, asked = grown(rows=30, min_data_in_leaf=30, rounds=2)
    base, shares = trees.shares(asked, [])
    assert not shares.any()
    assert base == pytest.approx(trees.log_odds(asked))
    assert trees.shares(asked[:0], [])[1].shape == (0, asked.shape[1])
    assert tables(()) is not None
