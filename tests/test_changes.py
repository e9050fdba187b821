"""What changed since the last score is the difference of shares by one model, and nothing where the model changed."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from serving.changes import told
from serving.explained import explained
from serving.store import Choice, ScoreStore
from serving.wired import account, listed
from serving.worklist import worklist
from tests.books import CUTOFF, a_reason, a_run, a_score

EARLIER = CUTOFF - timedelta(days=7)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ScoreStore]:
    """A book of a week ago, looked at twice, and one of today with a new account."""
    with ScoreStore(f"sqlite:///{tmp_path / 'ebb.db'}") as opened:
        calm = a_score("a", risk=0.2, base=-1.5, reasons=(a_reason("seats", 0.1), a_reason("support", 0.2)))
        opened.append(a_run(cutoff=EARLIER), [calm])
        opened.append(a_run(), [calm])
        worse = (a_reason("seats", 1.3, "people left"), a_reason("adoption", 0.4), a_reason("support", 0.21))
        opened.append(a_run(), [a_score("a", risk=0.6, base=-1.4, reasons=worse), a_score("new")])
        yield opened


def test_shares_are_compared_with_the_run_of_an_earlier_cutoff(store: ScoreStore) -> None:
    """Scoring the same day again is no past; families that did not move are not told."""
    found = explained(store, "a", past=5)
    assert found is not None
    changed = found.changes
    assert changed is not None
    assert (changed.since, changed.risk_before, changed.risk) == (EARLIER, 0.2, 0.6)
    assert [one.family for one in changed.families] == ["seats", "adoption"]
    assert changed.families[0].difference == pytest.approx(1.2)
    assert changed.base == pytest.approx(0.1)
    assert told(changed) == ("people left", "something about adoption")


def test_a_change_of_model_is_said_instead_of_a_reason(store: ScoreStore) -> None:
    """Another version's shares are not compared."""
    tomorrow = CUTOFF + timedelta(days=1)
    store.append(a_run(cutoff=tomorrow, model_version="4"), [a_score("a", risk=0.3)])
    found = explained(store, "a", past=5)
    assert found is not None
    assert found.changes is not None
    assert found.changes.families == ()
    said = told(found.changes)[0]
    assert said.startswith("the model changed from version 3 to 4")


def test_the_worklist_and_the_wire_carry_it(store: ScoreStore) -> None:
    """Each account with its risk before and what moved it; a new account has neither."""
    first, new = (listed(item) for item in worklist(store, Choice()).items)
    assert (first.risk_before, first.changed) == (0.2, ["people left", "something about adoption"])
    assert (new.risk_before, new.changed) == (None, [])
    found = explained(store, "a", past=5)
    assert found is not None
    body = account(found)
    assert body.changes is not None
    assert body.changes.families[0].difference == pytest.approx(1.2)
    assert len(body.history) == 3


def test_a_first_run_has_no_past(tmp_path: Path) -> None:
    """Nothing is compared with nothing."""
    with ScoreStore(f"sqlite:///{tmp_path / 'new.db'}") as opened:
        opened.append(a_run(), [a_score("a")])
        found = explained(opened, "a", past=5)
        assert found is not None
        assert found.changes is None
        assert explained(opened, "nobody", past=5) is None
