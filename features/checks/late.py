"""Events that become known long after they happened."""

from features.facts import Facts, Finding

LATE_DAYS = 2
"""A nightly load makes an event known a day later; more is late."""

SHARE = 0.01
"""Share of all events; fewer do not move a count."""


def late(facts: Facts) -> tuple[Finding, ...]:
    """Late events, when they are more than a few: the newest weeks then look quieter than they were."""
    if not facts.knows("events", "known_at"):
        return ()
    count, share, typical = facts.engine.rows(
        f"""SELECT count(*) FILTER (late), avg(late::INTEGER), median(days) FILTER (late) FROM (
          SELECT date_diff('day', occurred_at, known_at) AS days, days > {LATE_DAYS} AS late FROM events)"""
    )[0]
    if not isinstance(share, float) or share < SHARE:
        return ()
    sentence = (
        f"{count} events ({share:.0%}) became known more than {LATE_DAYS} days after they happened, "
        f"typically {typical:.0f} days; the newest weeks look quieter than they were"
    )
    return (Finding(kind="late events", table="events", count=int(str(count)), sentence=sentence),)
