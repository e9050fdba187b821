"""A backtest is kept as it was said, and its page tells each loss without a word from elsewhere."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from serving.backtest_page import page
from serving.backtests import lost
from serving.said import BacktestRun, Said, digest
from serving.store import ScoreStore
from training.dataset import Dataset
from training.figures import figures

EVIL = "<script>alert(1)</script> & \"Söhne\" 'x' {{ 7 * 7 }}\x1b[2J"


def a_look(account: str, days: int, risk: float, *, outcome: int = 1, **changed: object) -> Said:
    """What was said of one account some days before its renewal."""
    ends = date(2025, 6, 30)
    values: dict[str, object] = {
        "account_id": account,
        "contract_id": f"{account}-1",
        "name": account.title(),
        "owner": "Kim",
        "segment": "small",
        "origin": date(2025, 1, 1),
        "cutoff": ends - timedelta(days=days),
        "lead_days": days,
        "ends_on": ends,
        "decided_on": ends,
        "arr": 1000.0,
        "outcome": outcome,
        "risk": risk,
        "rank": 3,
        "among": 40,
        "band": "high" if risk > 0.3 else "low",
        "sentence": "2 people used it, 9 before",
    }
    return Said(**(values | changed))  # type: ignore[arg-type]


def some() -> tuple[Said, ...]:
    """One loss seen coming, one not, and many that stayed."""
    kept = [a_look(f"kept{n}", days, 0.05 + n / 50, outcome=0) for n in range(12) for days in (90, 30)]
    seen = [
        a_look("seen", 90, 0.2, arr=9000.0),
        a_look("seen", 60, 0.5, sentence="first high"),
        a_look("seen", 30, 0.6),
    ]
    return (*kept, *seen, a_look("missed", 90, 0.1, sentence=None), a_look("missed", 30, 0.2, rank=None, among=None))


def a_backtest(said: tuple[Said, ...]) -> BacktestRun:
    keys = pd.DataFrame([vars(one) for one in said])
    for name in ("cutoff", "ends_on", "decided_on"):
        keys[name] = pd.to_datetime(keys[name])
    data = Dataset(keys=keys, signals=pd.DataFrame(index=keys.index), left=keys["outcome"].to_numpy(dtype=float))
    return BacktestRun(
        made_at=datetime(2026, 1, 2, tzinfo=UTC),
        cutoff=date(2026, 1, 1),
        mode="renewal",
        fingerprint="f00d",
        digest=digest(said),
        capacity=5,
        origins=[{"origin": "2025-01-01", "snapshots": 900, "outcomes": 210.0, "verdict": "blend: <b>good</b>"}],
        figures=figures(data, np.array([one.risk for one in said]), capacity=5),
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ebb.db"


@pytest.fixture
def store(file: Path) -> Iterator[ScoreStore]:
    with ScoreStore(f"sqlite:///{file}") as opened:
        yield opened


def test_what_was_said_is_read_back_equal(store: ScoreStore) -> None:
    """Run, figures and every score come back as they were given, and so does their digest."""
    run = store.append_backtest(a_backtest(some()), some())
    found = store.backtest(run.number or 0)
    assert found is not None
    assert found == (replace(a_backtest(some()), number=1), some())
    assert digest(found[1]) == found[0].digest
    assert store.backtest(99) is None


def test_a_second_backtest_changes_nothing_of_the_first(store: ScoreStore, file: Path) -> None:
    """It adds a run; and nobody can rewrite the first, by whatever program."""
    first = store.append_backtest(a_backtest(some()), some())
    second = store.append_backtest(a_backtest(some()[1:]), some()[1:])
    assert (first.number, second.number) == (1, 2)
    found = store.backtest(1)
    assert found is not None
    assert found[1] == some()
    for statement in (
        "UPDATE backtest_scores SET risk = 1",
        "DELETE FROM backtest_scores WHERE run = 1",
        "INSERT OR REPLACE INTO backtest_scores SELECT * FROM backtest_scores",
        "UPDATE backtest_runs SET digest = 'x'",
    ):
        with closing(sqlite3.connect(file)) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)


def test_one_changed_score_changes_the_digest() -> None:
    """The digest covers every value of every score."""
    said = some()
    assert digest(said) != digest((replace(said[0], risk=said[0].risk + 1e-12), *said[1:]))


def test_losses_say_when_they_were_first_warned_of() -> None:
    """The largest ARR first; warned from the first look said to be high, with the driver of that day, or never."""
    seen, missed = lost(some())
    assert (seen.account.account_id, seen.warned, seen.sentence) == ("seen", 60, "first high")
    assert (missed.account.account_id, missed.warned) == ("missed", None)
    assert [days for days, _ in seen.said] == [90, 60, 30]


class Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_the_page_shows_every_loss_and_loads_nothing() -> None:
    """Each loss with what was said and when; no script, no style, picture or font from elsewhere."""
    shown = page(replace(a_backtest(some()), number=7), some())
    for text in ("Lost after a warning", "Lost without a warning", "Seen", "Missed", "60 days before", "3 of 40"):
        assert text in shown
    tags = Tags()
    tags.feed(shown)
    assert "script" not in {tag for tag, _ in tags.seen}
    assert sum(tag == "svg" for tag, _ in tags.seen) >= 2
    for tag, attributes in tags.seen:
        assert not {"src", "href", "data", "srcset"} & set(attributes), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")]
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/)", shown)


def test_texts_of_the_data_are_only_text() -> None:
    """A name, segment, owner, id or sentence that is markup, a template or a control character is shown, not obeyed."""
    said = tuple(
        replace(one, name=EVIL, segment=EVIL, owner=EVIL, sentence=EVIL, account_id=f"{EVIL}{one.account_id}")
        for one in some()
    )
    shown = page(replace(a_backtest(said), number=7), said)
    assert "<script" not in shown
    assert "<b>good" not in shown
    assert "\x1b" not in shown
    assert "49" not in re.findall(r"x.{0,9} (\S+)", shown)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;Söhne&#34;" in shown


def test_a_page_without_losses_says_so() -> None:
    """Nothing lost is no fault."""
    said = tuple(replace(one, outcome=0) for one in some())
    assert page(replace(a_backtest(said), number=1), said).count("None.") == 2
