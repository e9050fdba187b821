"""The daily rollup says what the events say, once."""

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from features import usage
from features.facts import Facts
from tests.oracles import ledger_of
from tests.worlds import Row, day, facts_of, moment, random_world

few = settings(max_examples=10, deadline=None)
seeds = st.integers(0, 10**6)


def event(**more: object) -> Row:
    return {"account_id": "a", "occurred_at": moment(5, 10), "event": "edit", "user_id": "u"} | more


def rows(facts: Facts, sql: str) -> list[tuple]:
    return facts.engine.rows(sql)


@few
@given(seed=seeds)
def test_the_rollup_keeps_every_event(seed):
    """Events, quantities and durations sum to the same by account, user, feature, day, actor and day of knowledge."""
    facts = facts_of(random_world(seed, accounts=5, events=60))
    wanted: dict[tuple, list[float]] = {}
    for row in ledger_of(facts).rows["events"]:
        key = (row["account_id"], row["user_id"], row["event"], row["occurred_at"].date(), row["known_at"].date())
        sums = wanted.setdefault((*key, row["actor"] == "human"), [0, 0.0, 0.0])
        sums[0] += 1
        sums[1] += row["quantity"]
        sums[2] += row["duration_s"] or 0.0
    found = rows(
        facts, "SELECT account_id, user_id, event, day, known_on, human, events, quantity, duration_s FROM usage"
    )
    assert {row[:6]: [row[6], float(row[7]), float(row[8] or 0)] for row in found} == wanted
    assert len(found) == len(wanted)


@few
@given(seed=seeds)
def test_the_narrower_rollups_sum_to_the_wide_one(seed):
    """What people and integrations did adds up to the same in each rollup that holds it."""
    facts = facts_of(random_world(seed, accounts=5, events=60))
    (told,) = rows(facts, "SELECT coalesce(sum(events) FILTER (WHERE human), 0), coalesce(sum(events), 0) FROM usage")
    people, everybody = told
    assert rows(facts, "SELECT coalesce(sum(events), 0) FROM feature_day") == [(people,)]
    assert rows(facts, "SELECT coalesce(sum(events), 0) FROM fleet_day") == [(people,)]
    assert rows(facts, "SELECT coalesce(sum(events + api_events), 0) FROM account_day") == [(everybody,)]
    known = "SELECT coalesce(sum(events), 0) FROM usage WHERE human AND user_id IS NOT NULL"
    assert rows(facts, "SELECT coalesce(sum(events), 0) FROM user_day WHERE person IS NOT NULL") == rows(facts, known)


@few
@given(seed=seeds, age=st.integers(-10, 900))
def test_first_use_as_it_was_known(seed, age):
    """At any cutoff the first use is the earliest day known by then, even when earlier days turn up later."""
    facts = facts_of(random_world(seed, accounts=5, events=40))
    cutoff: date = day(age)
    wanted: dict[str, date] = {}
    for row in ledger_of(facts).rows["events"]:
        if row["actor"] == "human" and row["known_at"].date() < cutoff:
            first = wanted.get(row["account_id"], date.max)
            wanted[row["account_id"]] = min(first, row["occurred_at"].date())
    found = rows(
        facts,
        "SELECT account_id, min(day) FROM first_use JOIN account_number USING (account) "
        f"WHERE known_on < DATE '{cutoff}' GROUP BY 1",
    )
    assert dict(found) == wanted


def test_half_hours_become_bits():
    """Midnight, the middle of the day and its last minute fall into slots 0, 24 and 47."""
    times = (moment(5, 0), moment(5, 12, 29), moment(5, 23, 59))
    facts = facts_of({"events": [event(occurred_at=at) for at in times]})
    assert rows(facts, "SELECT slots, events FROM user_day") == [((1 << 0) | (1 << 24) | (1 << 47), 3)]


def test_unknown_amounts_add_nothing():
    """An empty duration stays unknown and an empty quantity is one; neither becomes the lowest number there is."""
    facts = facts_of({"events": [event(duration_s=None, quantity=None), event(event="view", duration_s=3.5)]})
    found = rows(facts, "SELECT event, CAST(quantity AS DOUBLE), CAST(duration_s AS DOUBLE) FROM usage ORDER BY event")
    assert found == [("edit", 1.0, None), ("view", 1.0, 3.5)]


def test_enormous_amounts_are_cut():
    """A quantity, or a day.s sum, beyond what a decimal holds is cut to the largest, instead of stopping the run."""
    facts = facts_of({"events": [event(quantity=1e300), event(quantity=-1e300, event="undo"), event(quantity=0.25)]})
    found = rows(facts, "SELECT event, CAST(quantity AS DOUBLE) FROM usage ORDER BY event")
    assert found == [("edit", usage.LARGEST), ("undo", -usage.LARGEST)]


def test_sums_are_exact():
    """A tenth a thousand times is a hundred, in any order."""
    facts = facts_of(
        {"events": [event(quantity=0.1, occurred_at=moment(5) + timedelta(seconds=n)) for n in range(1000)]}
    )
    assert rows(facts, "SELECT CAST(quantity AS DOUBLE) FROM account_day") == [(100.0,)]


@few
@given(seed=seeds, age=st.integers(-10, 900))
def test_late_facts_add_only_what_is_new(seed, age):
    """Summed over the days they became known on, days of use, people's days, half-hours and sessions are as known."""
    facts = facts_of(random_world(seed, accounts=3, events=70))
    cutoff: date = day(age)
    slots: dict[tuple, set[int]] = {}
    active = set()
    for row in ledger_of(facts).rows["events"]:
        if row["actor"] == "human" and row["known_at"].date() < cutoff:
            on = row["occurred_at"].date()
            active.add((row["account_id"], on))
            if row["user_id"] is not None:
                half_hour = row["occurred_at"].hour * 2 + row["occurred_at"].minute // 30
                slots.setdefault((row["account_id"], row["user_id"], on), set()).add(half_hour)
    sessions = sum(slot - 1 not in seen for seen in slots.values() for slot in seen)
    columns = ("active_days", "user_days", "half_hours", "sessions")
    sums = ", ".join(f"coalesce(sum({column}), 0)" for column in columns)
    found = rows(facts, f"SELECT {sums} FROM account_day WHERE known_on < DATE '{cutoff}'")
    assert found == [(len(active), len(slots), sum(map(len, slots.values())), sessions)]
