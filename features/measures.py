"""The few kinds of measure that signals are declared with."""

from features.habits import COUNT_BITS
from features.signal import Measure
from features.usage import SLOT_MINUTES, exact


def total(column: str, *, grain: str = "day", needs: tuple[str, ...] = ()) -> Measure:
    """The sum of a whole-number or decimal column over the rows in the window."""
    return Measure(grain=grain, sql=f"sum({column}) FILTER (WHERE {{inside}})", needs=needs)


def rows_in(grain: str, *, where: str = "true", needs: tuple[str, ...] = ()) -> Measure:
    """How many rows of a grain lie in the window: users, features, tickets."""
    return Measure(grain=grain, sql=f"count(*) FILTER (WHERE {{inside}} AND {where})", needs=needs)


def active_days() -> Measure:
    """Days in the window on which a person of the account did something."""
    return total("active_days")


def active_weeks() -> Measure:
    """Weeks of the window, counted back from the cutoff, with any use; for whole weeks, a year of them at most."""
    return Measure(grain="day", sql="bit_count(bit_or(weeks) & ((CAST(1 AS BIGINT) << ({window} // 7)) - 1))")


def arrivals(grain: str) -> Measure:
    """Users or features seen in the window and not before it, as far as a snapshot looks back."""
    return rows_in(grain, where="NOT {older}")


def newest(value: str, *, grain: str, order: str) -> Measure:
    """The value of the row that comes last in an order; not known when that row does not say."""
    return Measure(grain=grain, sql=f"arg_max_null({value}, {order})")


def mean(column: str, *, grain: str) -> Measure:
    """The average of a column over the rows in the window."""
    decimal = exact(column)
    return Measure(
        grain=grain,
        sql=f"CAST(sum({decimal}) FILTER (WHERE {{inside}}) AS DOUBLE) / count({column}) FILTER (WHERE {{inside}})",
    )


def slot_hours() -> Measure:
    """Hours in which people were active: half-hour slots with at least one event, summed over people and days."""
    sql = f"sum(half_hours) FILTER (WHERE {{inside}}) * {SLOT_MINUTES / 60}"
    return Measure(grain="day", sql=sql, needs=("events.user_id",))


def evenness() -> Measure:
    """How evenly use is spread over features: entropy over its maximum, 0 only one, 1 all alike (Pielou, 1966)."""
    events = "CAST(sum(events_{window}) AS DOUBLE)"
    # Each term is rounded to a decimal, so that the sum does not depend on the order of rows.
    weighted = "CAST(sum(CAST(events_{window} * ln(greatest(events_{window}, 1)) AS DECIMAL(38, 12))) AS DOUBLE)"
    used = "count(*) FILTER (WHERE events_{window} > 0)"
    return Measure(
        grain="feature",
        sql=f"""CASE WHEN {used} > 1 THEN greatest(ln({events}) - {weighted} / {events}, 0) / ln({used})
  WHEN {used} = 1 THEN 0 END""",
    )


def share_of_largest(grain: str) -> Measure:
    """The share of the window's events carried by the largest row: the top user, the top feature."""
    return Measure(grain=grain, sql="CAST(max(events_{window}) AS DOUBLE) / nullif(sum(events_{window}), 0)")


def share_of_silent(grain: str) -> Measure:
    """The share of half a year's events that fell on rows not seen within the window: people or features given up."""
    silent = "coalesce(sum(events_182) FILTER (WHERE last_age > {window}), 0)"
    return Measure(grain=grain, sql=f"CAST({silent} AS DOUBLE) / nullif(sum(events_182), 0)")


def silence_of_largest(grain: str) -> Measure:
    """Days since the row with the most events of the window was last seen; of equals the one seen last."""
    # Ages are below 1000, so the second term only breaks ties.
    return Measure(
        grain=grain, sql="arg_max(last_age, events_{window} * 1000 - last_age) FILTER (WHERE events_{window} > 0)"
    )


def spread(column: str, kinds: int) -> Measure:
    """How evenly days fall on kinds of times whose counts share a number: 0 all on one, 1 all alike (Pielou, 1966)."""
    packed = f"CAST(sum({column}) FILTER (WHERE {{inside}}) AS BIGINT)"
    counts = [f"(({packed} >> {COUNT_BITS * kind}) & {(1 << COUNT_BITS) - 1})" for kind in range(kinds)]
    total = f"CAST({' + '.join(counts)} AS DOUBLE)"
    weighted = " + ".join(f"{count} * ln(greatest({count}, 1))" for count in counts)
    return Measure(
        grain="habit",
        sql=f"CASE WHEN {total} > 0 THEN greatest(ln({total}) - ({weighted}) / {total}, 0) / ln({kinds}) END",
    )
