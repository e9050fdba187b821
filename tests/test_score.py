"""The scorer answers alike in a batch, one by one, and after being written and read."""

import ast

import numpy as np
import pandas as pd
import pytest

from tests.pasts import COLUMNS, Past
from training.models import MODELS
from training.models.blend import blend
from training.outing import fit_all
from training.score import Scorer
from training.tracking import model_code

SIGNS = (-1, 1, 0, 0)


@pytest.fixture(scope="module")
def data():
    return Past().make()


@pytest.fixture(scope="module")
def scorer(data):
    fitted = fit_all(data, MODELS, SIGNS)
    mixed = blend([fitted["logistic regression", 0.3], fitted["boosted trees", 50]], (1.2, 0.9))
    return Scorer(
        columns=tuple(c.name for c in COLUMNS), part=mixed, slope=1.1, intercept=-0.2, about={"model": "blend"}
    )


@pytest.fixture(scope="module")
def frame(data):
    return data.signals.assign(segment=data.segments)


def test_contributions_and_base_are_the_calibrated_log_odds(scorer, frame):
    """They sum to 1e-12, and risk is the logistic of them."""
    scored = scorer.score(frame)
    assert np.abs(scored.base + scored.contributions.sum(axis=1).to_numpy() - scored.log_odds).max() < 1e-12
    assert scored.risk == pytest.approx(1 / (1 + np.exp(-scored.log_odds)))


def test_one_by_one_answers_as_the_batch(scorer, frame):
    """A row scored alone gets what it gets among others, to 1e-9."""
    batch = scorer.score(frame.head(30)).risk
    alone = [scorer.score(frame.iloc[[row]]).risk[0] for row in range(30)]
    assert np.abs(batch - alone).max() < 1e-9


def test_written_and_read_it_answers_the_same_to_the_bit(scorer, frame, tmp_path):
    """One JSON file holds the model; nothing else is written."""
    scorer.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model.json"]
    again = Scorer.load(tmp_path)
    assert np.array_equal(again.score(frame).risk, scorer.score(frame).risk)
    assert again.about == scorer.about


def test_none_and_infinity_are_not_known(scorer, frame):
    """None, NaN and infinity in a signal mean the same."""
    rows = pd.concat([frame.head(1)] * 3, ignore_index=True).astype({"used_28d": object})
    rows["used_28d"] = [None, float("nan"), float("inf")]
    assert len(set(scorer.score(rows).risk.tolist())) == 1


def test_numbers_of_any_type_are_scored_alike(scorer, frame):
    """A table of doubles takes a short way; one with other kinds of numbers gets the same answer."""
    mixed = frame.astype({"used_28d": object, "noise_28d": "Float64"})
    assert np.array_equal(scorer.score(mixed).risk, scorer.score(frame).risk)


def test_a_missing_column_is_named(scorer, frame):
    """A signal the model was trained with cannot just be absent."""
    with pytest.raises(ValueError, match="the signals lack the column waited_28d; the model was trained with it"):
        scorer.score(frame.drop(columns="waited_28d"))


def test_what_is_no_number_is_named(scorer, frame):
    """Text in a signal is a fault of that column."""
    with pytest.raises(ValueError, match="the signal noise_28d holds something that is not a number"):
        scorer.score(frame.assign(noise_28d="many"))


def test_further_columns_and_an_unknown_segment_do_no_harm(scorer, frame):
    """Columns it does not know are ignored; a new segment has the wider base rate."""
    scored = scorer.score(frame.assign(segment="never seen", more="text"))
    assert np.isfinite(scored.risk).all()


def test_no_rows_give_no_scores(scorer, frame):
    """An empty book is scored to an empty answer."""
    assert scorer.score(frame.head(0)).frame().shape == (0, 2 + len(COLUMNS))


def test_its_code_in_the_logged_model_imports_nothing_of_ours():
    """One file that stands alone travels with the model."""
    tree = ast.parse(model_code())
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not {name.split(".")[0] for name in names} & {"features", "training", "serving", "pickle"}
