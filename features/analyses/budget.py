"""A weekly budget of alarms: more than a team can look at are none."""

from collections.abc import Sequence

from features.analyses.watching import Fall


def within_budget(falls: Sequence[Fall], *, a_week: int, monday: int) -> tuple[list[tuple[int, Fall]], list[Fall]]:
    """The falls with the day on which each is told, at most so many a week, the strongest of a day first.

    What finds no place waits for the next week, and is dropped where it ends before. ``monday`` is a day that is one.
    """
    told: list[tuple[int, Fall]] = []
    dropped: list[Fall] = []
    spent: dict[int, int] = {}
    for fall in falls:
        day = fall.began
        while spent.get((day - monday) // 7, 0) >= a_week:
            day += 7 - (day - monday) % 7
        if fall.ended is not None and day >= fall.ended > fall.began:
            dropped.append(fall)
            continue
        spent[(day - monday) // 7] = spent.get((day - monday) // 7, 0) + 1
        told.append((day, fall))
    return told, dropped
