"""Expansion: whether the account is about to buy more, did so lately, and needs more seats."""

from features.measures import rows_in
from features.signal import Formula, Measure, Signal
from features.usage import exact

CLOSED = ("opportunities.closed_at",)
"""Without it nobody can say what is still open."""

LIMIT = 0.9
"""Share of the seats in use from which there is no room left to grow into."""


def amount(grain: str, where: str, *needs: str) -> Measure:
    """The sum of the amounts of some opportunities."""
    needs = (*CLOSED, "opportunities.amount", *needs)
    return Measure(grain=grain, sql=f"sum({exact('amount')}) FILTER (WHERE {where})", needs=needs)


SIGNALS = (
    Signal(
        name="opportunities",
        family="expansion",
        measure=rows_in("opportunity"),
        windows=(182, 365),
        absent=0,
        meaning="chances to sell more that were opened",
        unit="opportunities",
        healthier="neither",
        reading="{now} opportunities opened in the last {window} days, {before} in the {window} before",
    ),
    Signal(
        name="days_since_opportunity",
        family="expansion",
        measure=Measure(grain="opportunity", sql="least(min(age), 731)"),
        absent=731,
        meaning="days since the last opportunity was opened (731: none in two years)",
        unit="days",
        healthier="neither",
        reading="the last opportunity was opened {now} days ago; four weeks earlier it was {before}",
    ),
    Signal(
        name="open_opportunities",
        family="expansion",
        measure=Measure(grain="opportunity", sql="count(*) FILTER (WHERE open)", needs=CLOSED),
        absent=0,
        meaning="opportunities open at the cutoff",
        unit="opportunities",
        healthier="more",
        warmer="more",
        reading="{now} opportunities are open, {before} four weeks earlier",
    ),
    Signal(
        name="open_amount",
        family="expansion",
        measure=amount("opportunity", "open"),
        absent=0,
        meaning="what the opportunities open at the cutoff would bring a year",
        unit="a year",
        healthier="more",
        warmer="more",
        reading="open opportunities would bring {now} a year, {before} four weeks earlier",
    ),
    Signal(
        name="open_amount_share",
        family="expansion",
        measure=Formula(sql="{open_amount} / nullif({arr}, 0)"),
        meaning="what the open opportunities would bring, for what the account pays now",
        unit="share",
        healthier="more",
        warmer="more",
        reading="open opportunities would bring {now:percent} of its ARR, {before:percent} four weeks earlier",
    ),
    Signal(
        name="won_opportunities",
        family="expansion",
        measure=rows_in("deal", where="won", needs=("opportunities.won",)),
        windows=(365,),
        absent=0,
        meaning="opportunities won",
        unit="opportunities",
        healthier="more",
        reading="{now} opportunities won in the last {window} days, {before} in the {window} before",
    ),
    Signal(
        name="won_amount",
        family="expansion",
        measure=amount("deal", "{inside} AND won", "opportunities.won"),
        windows=(365,),
        absent=0,
        meaning="what the opportunities won bring a year",
        unit="a year",
        healthier="more",
        reading="bought {now} a year more in the last {window} days, {before} in the {window} before",
    ),
    Signal(
        name="lost_opportunities",
        family="expansion",
        measure=rows_in("deal", where="NOT won", needs=("opportunities.won",)),
        windows=(365,),
        absent=0,
        meaning="opportunities lost",
        unit="opportunities",
        healthier="neither",
        reading="{now} opportunities lost in the last {window} days, {before} in the {window} before",
    ),
    Signal(
        name="seats_at_limit",
        family="expansion",
        measure=Formula(
            sql=f"CASE WHEN {{active_users}} >= {LIMIT} * {{seats}} THEN 1 WHEN {{seats}} IS NOT NULL THEN 0 END"
        ),
        windows=(28, 84),
        meaning="whether nine of ten seats bought, or more, are in use (1) or fewer (0)",
        unit="yes or no",
        healthier="more",
        warmer="more",
        reading="{now:yes} nine of ten seats in use over the last {window} days",
    ),
    Signal(
        name="users_over_seats",
        family="expansion",
        measure=Formula(sql="CASE WHEN {seats} IS NOT NULL THEN greatest({active_users} - {seats}, 0) END"),
        windows=(28, 84),
        meaning="people who used it beyond the seats bought",
        unit="users",
        healthier="neither",
        warmer="more",
        reading="{now} people beyond the seats bought in the last {window} days, {before} in the {window} before",
    ),
)
