"""The plan: windows by masks, what is not known, and SQL that a person can read."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import plan, snapshots
from features.domain import TABLES
from features.measures import active_days, rows_in, total
from features.signal import Formula, Measure, Signal, Standing
from features.signals import CATALOGUE, frequency
from tests.oracles import View, ledger_of, seen, views, within
from tests.worlds import CUTOFF, CUTOFFS, facts_of, lighthouse, random_world

GOLDEN = Path(__file__).parent / "golden" / "people.sql"
EVERYTHING = {table.name: frozenset(column.name for column in table.columns) for table in TABLES}
STRETCHES = {"now": lambda w: (0, w), "before": lambda w: (w, 2 * w), "year": lambda w: (364, 364 + w)}


def a_signal(name: str, measure: Measure | Formula, windows: tuple[int, ...], absent: float | None = None) -> Signal:
    """A signal for tests."""
    return Signal(
        name=name,
        family="seats",
        measure=measure,
        windows=windows,
        absent=absent,
        meaning="for a test",
        unit="",
        healthier="neither",
        reading="{now}",
    )


def people(windows: tuple[int, ...]) -> tuple[Signal, ...]:
    """Users, features, events and days in some windows, before them and a year before."""
    bases = {
        "users": rows_in("user"),
        "parts": rows_in("feature"),
        "acts": total("events"),
        "dates": active_days(),
    }
    gone = Measure(grain="user", sql="count(*) FILTER (WHERE {earlier} AND NOT {inside})")
    return (
        *(a_signal(name, measure, windows, 0) for name, measure in bases.items()),
        *(
            a_signal(f"{name}_{span}", Formula(sql=f"{{{name}:{span}}}"), windows)
            for name in bases
            for span in ("before", "year")
        ),
        a_signal("gone", gone, windows, 0),
    )


def by_hand(view: View, windows: tuple[int, ...]) -> dict[str, int]:
    """The same, one window at a time."""
    found = {}
    for window in windows:
        for span, stretch in STRETCHES.items():
            after, until = stretch(window)
            rows = within(view, view.people, until, after)
            mark = "" if span == "now" else f"_{span}"
            found[f"users{mark}_{window}d"] = len(seen(rows, "user_id"))
            found[f"parts{mark}_{window}d"] = len(seen(rows, "event"))
            found[f"acts{mark}_{window}d"] = len(rows)
            found[f"dates{mark}_{window}d"] = len({row["occurred_at"].date() for row in rows})
        before = seen(within(view, view.people, 2 * window, window), "user_id")
        found[f"gone_{window}d"] = len(before - seen(within(view, view.people, window), "user_id"))
    return found


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    windows=st.sets(
        st.one_of(st.sampled_from((1, 7, 28, 56, 182, 364, 365)), st.integers(1, 365)), min_size=1, max_size=6
    ),
)
def test_masks_count_like_brute_force(seed, windows):
    """Whatever the windows, and however they overlap, one group-by finds every distinct count."""
    ordered = tuple(sorted(windows))
    world = random_world(seed, accounts=5, events=60, gaps=False)
    world["events"] += lighthouse()["events"]
    facts = facts_of(world)
    snapshots.lay_book(facts, snapshots.Inactivity(active_days=900), cutoffs=CUTOFFS)
    computed = plan.run(facts, people(ordered))
    wanted = [by_hand(view, ordered) for view in views(facts, ledger_of(facts))]
    assert computed.to_dict("records") == wanted


def test_nothing_known_gives_nothing_known():
    """With events alone, everything that rests on another table is NaN and the rest is computed."""
    event = {"account_id": "a", "occurred_at": lighthouse(since=3)["events"][0]["occurred_at"], "event": "edit"}
    facts = facts_of({"events": [event]})
    snapshots.lay_book(facts, snapshots.Inactivity(), cutoffs=(CUTOFF,))
    (signals,) = plan.run(facts, CATALOGUE).to_dict("records")
    unknown = {name for name, value in signals.items() if value != value}
    assert signals["events_7d"] == 1
    assert {
        "tickets_28d",
        "touches_28d",
        "active_users_7d",
        "arr",
        "past_renewals",
        "account_age",
        "nps_last",
    } <= unknown
    assert not {column.name for signal in frequency.SIGNALS for column in signal.columns} & unknown - {
        "api_events_28d",
        "api_events_84d",
        "api_share_28d",
        "api_share_84d",
        "all_events_change_28d",
        "all_events_change_84d",
        "hour_evenness_28d",
        "hour_evenness_84d",
    }


def test_an_empty_book_has_no_rows():
    """No snapshot, no row, but every column."""
    facts = facts_of(lighthouse())
    snapshots.lay_book(facts, snapshots.Renewal(), cutoffs=(CUTOFF,))
    signals = plan.run(facts, CATALOGUE)
    assert len(signals) == 0
    assert signals.shape[1] > 100


def test_some_columns_are_what_they_are_among_all():
    """Asking for a few columns gives the same values as asking for all."""
    facts = facts_of(random_world(2, accounts=6, events=60, gaps=False))
    snapshots.lay_book(facts, snapshots.Renewal(), cutoffs=CUTOFFS)
    every = plan.run(facts, CATALOGUE)
    for signal in CATALOGUE:
        if not isinstance(signal.measure, Standing):
            wanted = signal.columns[:1]
            assert plan.run(facts, CATALOGUE, wanted=wanted).equals(every[[wanted[0].name]]), signal.name


@pytest.mark.parametrize("known", [EVERYTHING, {"events": frozenset(("account_id", "occurred_at", "event"))}])
def test_statements_are_plain_sql(known):
    """No placeholder is left, every grain is one statement, and the last one is a query."""
    statements = plan.plan_of(CATALOGUE, known).statements
    assert statements[-1].table is None
    tables = [statement.table for statement in statements]
    assert len(set(tables)) == len(tables)
    assert not [statement.sql for statement in statements if "{" in statement.sql or "}" in statement.sql]


def test_the_sql_of_one_signal():
    """What the plan of people in two windows looks like; rewrite the file when it is meant to change."""
    catalogue = (
        a_signal("active_users", rows_in("user"), (7, 28), 0),
        a_signal("change", Formula(sql="{active_users} - {active_users:before}"), (28,)),
    )
    statements = plan.plan_of(catalogue, EVERYTHING).statements
    text = "\n\n".join(f"-- {statement.table or 'the signals'}\n{statement.sql};" for statement in statements) + "\n"
    assert text == GOLDEN.read_text(encoding="utf-8"), f"{GOLDEN.name} differs from:\n{text}"


@pytest.mark.parametrize("at_once", [1, 3, 10])
def test_a_few_accounts_at_a_time_are_what_they_are_together(at_once):
    """A large book worked off in parts gives the same bits as at once."""
    facts = facts_of(random_world(4, accounts=7, events=60, gaps=False))
    snapshots.lay_book(facts, snapshots.Inactivity(active_days=900), cutoffs=CUTOFFS)
    assert plan.run(facts, CATALOGUE, at_once=at_once).equals(plan.run(facts, CATALOGUE))
